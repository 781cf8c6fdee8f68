"""Rules of the task-progress specification, beyond those of any event stream."""
