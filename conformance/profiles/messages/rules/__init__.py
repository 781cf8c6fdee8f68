"""What must hold of a stream of the Messages API, a file a subject."""
