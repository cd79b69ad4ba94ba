"""Reads sound files: where the sound lies in them, and what libsndfile decodes of it."""
