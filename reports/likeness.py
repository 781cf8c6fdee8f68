"""Whether two runs may be compared: what must be alike for a latency to mean the same, what is worth knowing. Pure."""

from collections.abc import Callable, Iterable
from typing import Any, Literal

from ssegauge.reports.folder import RunFolder
from ssegauge.reports.render.visible import prose

Look = Callable[[RunFolder], Any]
Part = Literal["conformance", "load"]


def _run(*keys: str) -> Look:
    return lambda folder: _at(folder.run, keys)


def _load(*keys: str) -> Look:
    return lambda folder: _at(folder.load, keys)


def _at(document: Any, keys: Iterable[str]) -> Any:  # noqa: ANN401 - any JSON value
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document


# What makes everything in two runs that of different things, and what makes their latencies and objectives so.
OF_ALL: dict[str, Look] = {
    "profile": lambda folder: _at(folder.conformance, ["profile"]) or _at(folder.run, ["target", "profile"]),
    "stream": _run("target", "stream", "path"),
}
OF_LOAD: dict[str, Look] = {
    "scenario": _load("scenario"),
    "users": _load("users"),
    "updates per second": _load("rate"),
    "source of the update latency": _load("latency_ms", "update", "source"),
}
# What may explain a difference that is not the server's.
WORTH_KNOWING: dict[str, Look] = {
    "ssegauge": _run("ssegauge"),
    "base_url": _run("target", "base_url"),
    "duration in s": _load("duration_s"),
    "CPUs": _run("machine", "cpus"),
    "kernel": _run("machine", "kernel"),
    "Python": _run("machine", "python"),
}


def refused(base: RunFolder, head: RunFolder) -> tuple[str, ...]:
    """Return what makes two runs unlike, a line each; nothing where they may be compared."""
    parts = {name: (bool(getattr(base, name)), bool(getattr(head, name))) for name in ("conformance", "load")}
    lacking = [
        f"only the {'base' if there[0] else 'head'} run has {'a verdict on ' if name == 'conformance' else 'a '}{name}"
        for name, there in parts.items()
        if there[0] != there[1]
    ]
    return (*lacking, *_differences(OF_ALL | OF_LOAD, base, head))


def apart(base: RunFolder, head: RunFolder) -> tuple[Part, ...]:
    """Return the parts of two runs that say something of different things, so that neither is the worse."""
    if _differences(OF_ALL, base, head):
        return "conformance", "load"
    return ("load",) if _differences(OF_LOAD, base, head) else ()


def marked(base: RunFolder, head: RunFolder) -> tuple[str, ...]:
    """Return what else differs between two runs, a line each."""
    return _differences(WORTH_KNOWING, base, head)


def _differences(looks: dict[str, Look], base: RunFolder, head: RunFolder) -> tuple[str, ...]:
    """Return where both runs say something, and not the same."""
    pairs = {name: (look(base), look(head)) for name, look in looks.items()}
    unlike = {name: pair for name, pair in pairs.items() if None not in pair and pair[0] != pair[1]}
    return tuple(f"{name}: {_shown(before)} and {_shown(after)}" for name, (before, after) in unlike.items())


def _shown(value: object) -> str:
    return prose(f"{value:g}" if isinstance(value, float) else str(value), longest=100)
