"""The code beside the sound card, and the ways to reach it: a worker thread or a worker process."""
