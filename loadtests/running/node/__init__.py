"""What one load process does: ``Node`` is the whole of it, each of its parts a file."""

from ssegauge.loadtests.running.node.node import Node

__all__ = ["Node"]
