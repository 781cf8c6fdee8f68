"""Every user follows a task of its own, whose updates are triggered on a planned schedule.

Needs [task.create_manual] and [task.update]. With [existing], streams are held in every other phase, and the
old endpoint is timed in all of them.
"""

from __future__ import annotations

from ssegauge.loadtests.driving.updates import Task
from ssegauge.loadtests.running.node import Node
from ssegauge.loadtests.running.users import SSEUser


class ProgressUser(SSEUser):
    """Follows a task of its own."""

    scenario = "progress"
    drives = True

    def choose_task(self, node: Node) -> Task:
        """Start a task that moves only when told to."""
        return node.new_task()
