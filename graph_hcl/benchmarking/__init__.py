"""Benchmarks: trials of data set × method × seed, distributed over processes."""
