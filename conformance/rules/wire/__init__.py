"""Rules on the bytes of an event stream."""
