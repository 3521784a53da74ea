"""Time and memory against peers; each module is a command: `python -m benchmarks.speed.NAME`."""
