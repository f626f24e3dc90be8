"""What can be made to go wrong: which faults there are, and how each is caused."""
