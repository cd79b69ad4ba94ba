"""Microphones and speakers that come back when they are lost."""
