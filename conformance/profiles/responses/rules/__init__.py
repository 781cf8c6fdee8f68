"""What must hold of a stream of the Responses API, a file a subject."""
