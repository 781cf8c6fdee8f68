"""Rules on who may read a stream, and on text that breaks out of its line."""
