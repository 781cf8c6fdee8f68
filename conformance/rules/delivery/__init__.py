"""Rules on the way from what happens to its readers."""
