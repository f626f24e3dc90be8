"""A sample job and what draws its images."""
