"""The ticket's protocol: progress of long-running tasks."""
