"""Sweeps: many trials of data set × objective × seed, shared by many processes."""
