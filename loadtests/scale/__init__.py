"""How much this machine can carry, and how many like it a load needs. Imports neither Locust nor gevent."""
