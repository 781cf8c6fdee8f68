"""Against every hostile server a command ends in time, in bounded memory, with a verdict, and without a traceback.

The brisk modes run in every test run. `make hostile` runs all of them, also with `load`, and writes the figures.
"""

import json
import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.hostile.command import Done, run
from tests.hostile.modes import FLOODS, MODES, Mode
from tests.hostile.server import serving

MOST_MIB = 400
MOST_CONNECTIONS = 200
MOST_CPU_S = 60
MOST_S = 180  # of a machine that is busy with other things
COMMANDS = {
    "check": ("check", "--quick", "--quiet"),
    "load": ("load", "--users", "3", "--duration", "3s", "--quiet"),
}
CROWDS = {
    "watch": ("load", "--scenario", "watch", "--users", "50", "--duration", "10s", "--quiet"),
    "requests": ("load", "--scenario", "requests", "--users", "50", "--duration", "8s", "--quiet"),
}
brisk = [name for name, mode in MODES.items() if mode.brisk]


def attempt(command: str, name: str, place: Path) -> tuple[Done, int]:
    with serving(MODES[name].answer) as served:
        done = run(*(COMMANDS | CROWDS)[command], f"http://127.0.0.1:{served.port}/", "--out", "run", cwd=place)
        return done, served.connections


def complaints(mode: Mode, command: str, done: Done, connections: int) -> list[str]:
    allowed, told = (mode.status, mode.told) if command == "check" else (mode.load, mode.load_told)
    failed = {
        f"exit status {done.status}": done.status not in allowed,
        "a traceback": "Traceback" in done.said or "defect of ssegauge" in done.said,
        "a rule or probe of ours failed": "harness_error" in done.said or "the rule itself failed" in done.said,
        f"{told!r} is not told": told not in " ".join(done.said.split()),
        f"{done.peak_mib:.0f} MiB": not 0 < done.peak_mib < MOST_MIB,
        f"{connections} connections": connections > MOST_CONNECTIONS,
        f"{done.cpu_s:.0f} s of CPU": done.cpu_s > MOST_CPU_S,
        f"{done.seconds:.0f} s": done.seconds > MOST_S,
        "a control character is printed": re.search(r"[\0\x07\x1b]", done.said) is not None,
    }
    return [what for what, is_so in failed.items() if is_so]


@pytest.fixture(scope="module")
def checks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[tuple[Done, int]]]]:
    """The brisk modes, four at once: they wait more than they work."""
    with ThreadPoolExecutor(4) as pool:
        yield {name: pool.submit(attempt, "check", name, tmp_path_factory.mktemp("mode")) for name in brisk}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", brisk)
def test_a_check_bears(name: str, checks: dict[str, Future[tuple[Done, int]]]) -> None:
    done, connections = checks[name].result()
    assert complaints(MODES[name], "check", done, connections) == [], done.said


@pytest.mark.hostile
@pytest.mark.timeout(600)
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", MODES)
def test_bears(name: str, command: str, tmp_path: Path, figures: Path) -> None:
    bears(name, command, tmp_path, figures)


@pytest.mark.hostile
@pytest.mark.timeout(600)
@pytest.mark.parametrize("command", CROWDS)
@pytest.mark.parametrize("name", FLOODS)
def test_bears_a_flood_on_many_streams(name: str, command: str, tmp_path: Path, figures: Path) -> None:
    bears(name, command, tmp_path, figures)


def bears(name: str, command: str, tmp_path: Path, figures: Path) -> None:
    done, connections = attempt(command, name, tmp_path)
    found = complaints(MODES[name], command, done, connections)
    row = {"mode": name, "command": command, "status": done.status, "connections": connections}
    row |= {
        "peak_mib": round(done.peak_mib),
        "seconds": round(done.seconds, 1),
        "cpu_s": round(done.cpu_s, 1),
        "complaints": found,
    }
    with figures.open("a") as file:
        file.write(json.dumps(row) + "\n")
    assert found == [], done.said
