"""The commands of those who want pictures; they know the API and nothing behind it."""
