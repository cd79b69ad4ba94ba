"""Sources, tracks and streams within one process."""
