"""Plays files of pictures and sound as tracks."""
