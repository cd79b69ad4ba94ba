"""Converts frames to any sample rate and channel count."""
