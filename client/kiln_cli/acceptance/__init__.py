"""``kiln acceptance``: proves a deployed stack from outside, and says what it found."""
