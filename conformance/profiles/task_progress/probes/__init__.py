"""Situations that only a server of tasks has."""
