"""The smallest server that implements the whole specification."""
