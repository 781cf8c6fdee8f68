"""Rules on clients that come back."""
