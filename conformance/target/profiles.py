"""Which profiles there are: the folders below ``conformance/profiles``, and ``event-stream``, which any stream has.

A folder may hold ``promises.toml``: the keys of a target file's ``[promises]`` that the profile promises by itself,
where the target file does not say otherwise.
"""

from __future__ import annotations

from pathlib import Path

_ROOMS = Path(__file__).parents[1] / "profiles"
EVENT_STREAM = "event-stream"
TASK_PROGRESS = "task-progress"
KNOWN = (
    TASK_PROGRESS,
    EVENT_STREAM,
    *sorted(
        {path.parent.name.replace("_", "-") for path in _ROOMS.glob("*/__init__.py")} - {TASK_PROGRESS, EVENT_STREAM}
    ),
)


def promises_file(profile: str) -> Path:
    """Return where a profile's own promises stand, if it makes any."""
    return _ROOMS / profile.replace("-", "_") / "promises.toml"
