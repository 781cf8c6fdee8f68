"""What a load run is told: Locust's command line, with our options added, and the environment.

The environment hands the target over from ``ssegauge load``, as JSON with secrets in it, so never as a file.
"""

from __future__ import annotations

import json
import os
from argparse import ArgumentParser
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.target import Target, from_plain, load_target
from ssegauge.loadtests.running.orders import Orders, orders

TARGET_VARIABLE: Final = "SSEGAUGE_TARGET_JSON"
STATUS_VARIABLE: Final = "SSEGAUGE_STATUS_FD"
SOURCE_VARIABLE: Final = "SSEGAUGE_SOURCE"  # each machine has its own: options of a master overwrite its workers'
DEFAULT_RATE: Final = 25.0


def add_options(parser: ArgumentParser) -> None:
    """Add our options to Locust's; each can be given by environment variable too."""
    group = parser.add_argument_group("ssegauge")
    options: Mapping[str, tuple[str, type, Any]] = {
        "target": ("the server under test: a URL or a target file", str, ""),
        "out": ("the run folder; default: a new one below runs/", str, ""),
        "rate": ("updates per second (progress: over all tasks; watch: of the shared task)", float, DEFAULT_RATE),
        "streams": ("streams of each Locust user, where there are very many; 0: as its class says", int, 0),
        "opening_rate": ("streams opened per second, over all processes; 0: as users are started", float, 0.0),
        "objective": ("what else is to hold, such as update_p99 < 500ms; several with ; between them", str, ""),
        "abort_on": ("objectives whose breach ends the run, with ; between them", str, ""),
        "metrics_port": ("a page for Prometheus while the run goes on, at this port of this machine; 0: none", int, 0),
        "extend": ("seconds at most beyond the duration, until an impact is decided", float, 30.0),
        "shape": (
            "how many streams at each moment, TIME:USERS TIME:USERS ...; default: all users, all the time",
            str,
            "",
        ),
        "measure": ("the type of the events that are timed; default: no greeting, heartbeat or replay", str, ""),
        "arrivals": ("requests per second that wait for no answer: 20/s, '20/s constant'; default: users ask", str, ""),
        "think": ("seconds between an answer and the next request, on average", float, 0.0),
        "requests": ("a file of JSON Lines, a request's body on each", str, ""),
        "prompts": ("words of made-up prompts, for {prompt} in the stream's json: 200, 50-500", str, ""),
        "shared_prefix": ("words at the start of all prompts that are the same", int, 0),
        "duration": ("seconds to measure once all users are there; 0: until stopped", float, 0.0),
    }
    for name, (text, kind, default) in options.items():
        variable = f"SSEGAUGE_{name.upper()}"
        keywords = {"help": text, "type": kind, "default": default, "env_var": variable}
        group.add_argument(f"--{name.replace('_', '-')}", dest=f"ssegauge_{name}", **keywords)


def target_of(options: Any, path: str = "") -> Target:  # noqa: ANN401 - Locust's namespace
    """Return the target: handed over, named by an option, or the host with a user class's own path.

    Raises CannotJudge when there is none.
    """
    if handed_over := os.environ.get(TARGET_VARIABLE):
        return from_json(handed_over)
    if options.ssegauge_target:
        return load_target(options.ssegauge_target)
    if options.host and path:
        return load_target(options.host.rstrip("/") + path)
    raise CannotJudge("no target; give --target FILE|URL, or --host with a path in the user class")


def orders_of(options: Any, target: Target) -> Orders:  # noqa: ANN401 - Locust's namespace
    """Return what requests are to be made; its target has the secrets in them too. Raises CannotJudge."""
    return orders(
        target,
        arrivals=options.ssegauge_arrivals,
        think_s=options.ssegauge_think,
        requests=options.ssegauge_requests,
        prompts=options.ssegauge_prompts,
        shared_prefix=options.ssegauge_shared_prefix,
    )


def to_json(target: Target) -> str:
    """Return a target as JSON, secrets included."""
    return json.dumps(asdict(target) | {"secrets": sorted(target.secrets)})


def from_json(text: str) -> Target:
    """Return the target that ``to_json`` wrote."""
    return from_plain(Target, json.loads(text))
