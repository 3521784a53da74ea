"""Pages and tables written from `benchmarks/results/`."""
