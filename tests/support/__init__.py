"""What tests of several rings build more than once."""
