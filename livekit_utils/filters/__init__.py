"""Frame processors and filter plugins: what is done to each frame of a stream."""
