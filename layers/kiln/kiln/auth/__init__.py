"""Who is calling, and what may prove that a link or a callback is Kiln's own."""
