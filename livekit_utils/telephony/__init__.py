"""Telephone lines and byte streams: frames from what comes over a wire, and back."""
