"""Benchmarks of speed, benchmarks of science, and the pages that their results give."""
