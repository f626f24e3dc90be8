"""Images: what they are, where inputs come from, how results are copied and how they are linked to."""

import kiln.contract  # noqa: F401 - its request needs images and images need its limits: it goes first, whoever is imported
