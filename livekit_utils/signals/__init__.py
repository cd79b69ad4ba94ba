"""Generates test signals and the tones of a telephone's keys, and detects those."""
