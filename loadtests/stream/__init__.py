"""One event stream: connecting, HTTP, arrival stamps, from its head to its end."""
