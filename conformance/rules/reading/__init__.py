"""What several rules ask of what was seen; no rule stands here."""
