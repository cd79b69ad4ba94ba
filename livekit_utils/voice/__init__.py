"""Removes echo, noise and hum from a microphone, and controls its level."""
