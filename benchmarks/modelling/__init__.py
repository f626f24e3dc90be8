"""Computes cost, limits and waiting times from recorded calls, prices and quotas. It runs no task."""
