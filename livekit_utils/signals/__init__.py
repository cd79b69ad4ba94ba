"""Generates test signals and the tones of a telephone's keys, detects those, and measures loudness."""
