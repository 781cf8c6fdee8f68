"""A secret that a server sends back is in nothing that `check`, `load`, `run` or Locust itself print or write.

One server that says it in every place at once is part of every test run; `make hostile` has each place by itself.
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

import pyarrow.parquet
import pytest

from tests.hostile.command import Done, run
from tests.hostile.modes import chunk
from tests.hostile.server import Answer, serving
from tests.hostile.test_secrets import PLACES, SECRET, TOML, WRITTEN, everything, leaks, stream

FIELDS = b"X-Echo: %(s)b\r\nSet-Cookie: a=%(s)b\r\nAccess-Control-Allow-Origin: %(s)b\r\n"
EVENT = b': %(s)b\nid: %(s)b\nevent: %(s)b\nretry: %(s)b\n%(s)b: 1\ndata: {"%(s)b": "%(s)b"}\n\n'
LOAD = ("--users", "4", "--duration", "2s")
COMMANDS: dict[str, tuple[str, ...]] = {
    "load": ("load", *LOAD, "--out", "run"),
    "run": ("run", "--quick", *LOAD, "--out", "run", "--junit", "j.xml", "--sarif", "s.sarif", "--verbose"),
}
LOCUST = ("--headless", "-u", "4", "-r", "50", "--duration", "2", "--csv", "stats", "--html", "page.html")
WAYS = [write(SECRET).encode() for write in WRITTEN.values()]
plain = [way for way in WAYS if b"\n" not in way and b":" not in way]


def everywhere() -> Answer:
    """Say the secret in every place at once, in one way of writing after the other, in pieces of every size."""
    ways, sizes = cycle(plain), cycle((1, 5, 7, 4096))

    def answer(connection: socket.socket) -> None:
        said = {b"s": next(ways)}
        body, size = EVENT % said * 3 + b"data: %(s)b" % said, next(sizes)
        fields = b"Content-Type: text/event-stream; x=%(s)b\r\nTransfer-Encoding: chunked\r\n" % said
        pieces = b"".join(chunk(body[at : at + size]) for at in range(0, len(body), size))
        connection.sendall(stream(fields + FIELDS % said, pieces, b"HTTP/1.1 200 %(s)b" % said))

    return answer


def in_turn(place: str) -> Answer:
    ways = cycle(WAYS)

    def answer(connection: socket.socket) -> None:
        connection.sendall(PLACES[place](next(ways)))
        connection.shutdown(socket.SHUT_WR)

    return answer


def written(place: Path, done: Done) -> dict[str, str]:
    """Return all that was written, columns of Parquet files as text too."""
    tables = {
        f"{path}, rows": str(pyarrow.parquet.read_table(path).to_pydict()) + str(pyarrow.parquet.read_schema(path))
        for path in place.rglob("*.parquet")
    }
    return everything(place, done) | tables


def shared(place: Path) -> list[str]:
    """Return the files and folders of a run, and the reports beside it, that others than their owner may read."""
    ours = [path for path in place.rglob("*") if path.name in {"run", "j.xml", "s.sarif"} or "run" in path.parts]
    closed = {path for path in ours if path.is_dir() and not path.stat().st_mode & 0o077}
    return [
        str(path.relative_to(place)) for path in ours if path.stat().st_mode & 0o077 and not closed & {*path.parents}
    ]


def play(command: tuple[str, ...], answer: Answer, place: Path) -> Done:
    with serving(answer) as served:
        (place / "ssegauge.toml").write_text(TOML.format(port=served.port), encoding="utf-8")
        return run(*command, cwd=place, SSE_KEY=SECRET)


def complaints(place: Path, done: Done) -> list[object]:
    assert "Traceback" not in done.said, done.said
    assert (place / "run" / "run.json").is_file(), done.said
    return [*leaks(written(place, done)), *shared(place)]


@pytest.mark.timeout(600)
def test_a_secret_in_every_place_is_in_nothing_of_a_run(tmp_path: Path) -> None:
    done = play(COMMANDS["run"], everywhere(), tmp_path)
    assert complaints(tmp_path, done) == [], done.said
    assert {"j.xml", "s.sarif"} <= {path.name for path in tmp_path.iterdir()}
    assert (tmp_path / "run" / "load.json").is_file()


@pytest.mark.hostile
@pytest.mark.timeout(600)
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("place", PLACES)
def test_a_secret_is_in_nothing(place: str, command: str, tmp_path: Path) -> None:
    done = play(COMMANDS[command], in_turn(place), tmp_path)
    assert complaints(tmp_path, done) == [], done.said


OWN: dict[str, Callable[[], Answer]] = {
    "every place": everywhere,
    **{place: lambda place=place: in_turn(place) for place in ("status reason", "Location", "Content-Type")},
}


@pytest.mark.hostile
@pytest.mark.timeout(600)
@pytest.mark.parametrize("place", OWN)
def test_a_secret_is_not_in_locusts_own_files(place: str, tmp_path: Path) -> None:
    from ssegauge.loadtests.running.cli import SCENARIOS

    line = [sys.executable, "-m", "locust", "-f", str(SCENARIOS / "watch.py"), "--target", "ssegauge.toml"]
    with serving(OWN[place]()) as served:
        (tmp_path / "ssegauge.toml").write_text(TOML.format(port=served.port), encoding="utf-8")
        environment = {**os.environ, "SSE_KEY": SECRET}
        done = subprocess.run(
            [*line, "--out", "run", *LOCUST],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            timeout=200,
            check=False,
        )
    said = (done.stdout + done.stderr).decode("utf-8", "replace")
    assert {"page.html", "stats_stats.csv", "stats_failures.csv"} <= {path.name for path in tmp_path.iterdir()}, said
    assert complaints(tmp_path, Done(done.returncode, said, 0.0, 0.0, 0.0)) == []


def test_what_is_searched_holds_what_parquet_has(tmp_path: Path) -> None:
    table = pyarrow.table({"x": [SECRET]}, metadata={"y": json.dumps("nothing")})
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet", compression="zstd")
    assert leaks(written(tmp_path, Done(0, "", 0.0, 0.0, 0.0)))
