"""Benchmarks: every contender does the same work, and is checked to before it is timed."""
