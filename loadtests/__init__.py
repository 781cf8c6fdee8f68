"""Does a server hold up? Locust users on kernel-stamped event streams."""
