"""Who makes the server say something, by plan: updates, pings, and the exchanges they are made of."""
