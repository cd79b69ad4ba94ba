"""Records streams and tracks into one file, each where it was on the clock."""
