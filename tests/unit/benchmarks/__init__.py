"""Unit tests of the benchmarks: what is computed there is what the pages say."""
