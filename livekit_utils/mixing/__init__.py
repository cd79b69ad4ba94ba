"""Mixes many streams into one."""
