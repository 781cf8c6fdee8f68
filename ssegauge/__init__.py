"""Conformance and load of Server-Sent Events servers.

Public names: ``SSEUser`` and ``Failed`` for own locustfiles, ``check`` and ``Target`` for own Python; the packages
behind them may change. In a checkout the four rooms of the house (``conformance``, ``loadtests``, ``reports``,
``reference_server``) stand beside this folder; installed, and in imports, they are below this name, the only one that
ssegauge takes.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ssegauge.conformance.check import check
    from ssegauge.conformance.target import Target
    from ssegauge.loadtests.running.users import Failed, SSEUser

__all__ = ["Failed", "SSEUser", "Target", "check"]
_PUBLIC = {
    "Failed": "ssegauge.loadtests.running.users",
    "SSEUser": "ssegauge.loadtests.running.users",
    "check": "ssegauge.conformance.check",
    "Target": "ssegauge.conformance.target",
    "main": "ssegauge.cli",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public name
    """Import a public name when it is first used: Locust patches the process as soon as it is imported."""
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in {"Failed", "SSEUser"}:
        importlib.import_module("ssegauge.extras").need("load")
    return getattr(importlib.import_module(_PUBLIC[name]), name)
