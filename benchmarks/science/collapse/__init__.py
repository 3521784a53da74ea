"""Neural and dimensional collapse, and loss orderings: `python -m benchmarks.science.collapse`."""
