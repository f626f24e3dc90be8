"""Samples, fakes and steps that several tests share."""
