"""What streams and events cost the generator on a machine, as ``calibrate`` measured it, and the file that keeps it."""

from __future__ import annotations

import json
import os
import resource
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

import psutil

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.jsontext import read_file

SCHEMA: Final = "ssegauge/costs/1"
PORT_RANGE: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
USUAL_PORTS: Final = 28_232  # Linux: 32768 to 60999
MOST: Final = 1e12
MAY_BE_NONE: Final = {"idle_share", "link_mbit", "load_average", "delay_p99_ms", "error_p50_ms", "error_p99_ms"}
AGAIN: Final = "write it with `ssegauge calibrate --out FILE`"


@dataclass(frozen=True, slots=True)
class Costs:
    """All for one process that holds streams, unless said otherwise.

    Attributes:
        cores, memory_mib, descriptors, ports, link_mbit: the machine: descriptors a process may open, ports of one
            address towards one server, the fastest link (0: unknown).
        streams, events_per_s, load_average: with what it was measured, and how busy the machine was with all of it.
        us_per_event, us_per_opening: CPU time.
        idle_share: of a core, when nothing comes.
        kib_per_stream, mib_per_process: resident memory.
        us_leader_per_event, bytes_per_event: CPU time of the process that leads, and its disk.
        delay_p99_ms: how long bytes wait to be read. error_p50_ms, error_p99_ms: latency as measured less the truth.
    """

    cores: int
    memory_mib: float
    descriptors: int
    ports: int
    link_mbit: int
    streams: int
    events_per_s: float
    load_average: float
    us_per_event: float
    us_per_opening: float
    idle_share: float
    kib_per_stream: float
    mib_per_process: float
    us_leader_per_event: float
    bytes_per_event: float
    delay_p99_ms: float
    error_p50_ms: float
    error_p99_ms: float

    def save(self, path: Path) -> None:
        """Write them to a file; raises CannotJudge when that is impossible."""
        try:
            path.write_text(json.dumps({"schema": SCHEMA, **asdict(self)}, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise CannotJudge(f"--out {path}: cannot be written to ({error.strerror}); choose another file") from None


def load(path: Path) -> Costs:
    """Read costs from a file; raises CannotJudge in one line for what is none."""
    try:
        document = json.loads(read_file(path))
    except OSError as error:
        raise CannotJudge(f"--costs {path}: {error.strerror}; {AGAIN}") from None
    except (ValueError, RecursionError):
        raise CannotJudge(f"--costs {path}: is not JSON; {AGAIN}") from None
    if not isinstance(document, dict) or document.pop("schema", None) != SCHEMA:
        raise CannotJudge(f"--costs {path}: is no {SCHEMA} document; {AGAIN}")
    return Costs(**{one.name: _number(path, document, one.name) for one in fields(Costs)})


def machine() -> dict[str, Any]:
    """Return what this machine has, by the names that ``Costs`` gives it."""
    _, descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)
    speeds = (link.speed for link in psutil.net_if_stats().values() if link.isup)
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_mib": psutil.virtual_memory().total / 1024 / 1024,
        "descriptors": 2**20 if descriptors == resource.RLIM_INFINITY else descriptors,
        "ports": _ports(),
        "link_mbit": max(speeds, default=0),
    }


def _ports() -> int:
    try:
        first, last = map(int, PORT_RANGE.read_text(encoding="ascii").split())
    except (OSError, ValueError):
        return USUAL_PORTS
    return last - first + 1


def _number(path: Path, document: dict[str, Any], name: str) -> Any:  # noqa: ANN401 - int or float, as the field is
    value = document.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < MOST:
        raise CannotJudge(f"--costs {path}: {name} is no number; {AGAIN}")
    if value <= 0 and name not in MAY_BE_NONE:
        raise CannotJudge(f"--costs {path}: {name} is not above 0; {AGAIN}")
    return value
