"""Breaks a running stack on purpose, at every call it makes to the outside, and checks that its promises hold."""
