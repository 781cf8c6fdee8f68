"""Who leads a run and who holds its streams: conductor, nodes, Locust's side, command line."""
