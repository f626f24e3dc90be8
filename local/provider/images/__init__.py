"""Draws the simulated results and stores them."""
