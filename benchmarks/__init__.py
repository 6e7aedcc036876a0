"""Benchmarks: every figure is a ratio, both sides in one process and one run. ``python -m benchmarks --help``."""
