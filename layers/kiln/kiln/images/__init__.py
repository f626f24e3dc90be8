"""Images: what they are, where inputs come from, how results are copied and how they are linked to."""
