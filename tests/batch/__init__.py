"""Tests of the room `batch`: a corpus."""
