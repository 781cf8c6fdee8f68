"""Measured values -> verdicts: objectives, impact, capacity, health, summary; pure."""
