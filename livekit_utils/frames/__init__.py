"""Audio and video frames: values over memory of the caller."""
