"""Unit tests of ``template.yaml``."""
