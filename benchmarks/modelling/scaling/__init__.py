"""The load at which each quota and each hot key is exhausted, and how long tasks wait below it."""
