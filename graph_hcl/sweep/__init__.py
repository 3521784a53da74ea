"""Sweeps: many cells of data set × objective × seed, shared by many processes."""
