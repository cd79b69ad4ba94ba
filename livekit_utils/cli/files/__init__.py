"""Sound files: read, written, and replaced only when whole."""
