"""Reads sound files, and writes them so that they appear only when they are complete."""
