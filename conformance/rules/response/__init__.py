"""Rules on the head of the response and on its framing by HTTP."""
