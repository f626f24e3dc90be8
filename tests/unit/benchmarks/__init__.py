"""Unit tests of the benchmarks: the models, the readers of traces, and the pages they write."""
