"""Opens the files that a user names, and writes those that appear only when they are complete."""
