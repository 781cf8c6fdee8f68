"""Servers that ship, and the command line, each as a process of its own, forked from one that has imported it already.

The tests start some hundred of each: with half a second of imports for one, that would be most of their time.
"""

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

FORKED = get_context("forkserver")
SERVERS = ("ssegauge.conformance.play", "ssegauge.reference_server.__main__", "ssegauge.reference_server.server")
# Not ssegauge.cli itself: as it is imported, it looks at its terminal.
COMMAND = (
    "h2.connection",
    "httpx",
    "jinja2",
    "jsonschema",
    "rich.progress",
    "rich.table",
    "ssegauge.conformance.check",
)
FORKED.set_forkserver_preload([*SERVERS, *COMMAND])


class Server(NamedTuple):
    """A server that runs."""

    base_url: str
    pid: int


@contextmanager
def serving(options: Sequence[str]) -> Iterator[Server]:
    """Do what `python -m ssegauge.reference_server --port 0` does with these options, and end it."""
    ours, theirs = FORKED.Pipe(duplex=False)
    process = FORKED.Process(target=_serve, args=(theirs, options))
    process.start()
    theirs.close()
    try:
        with open(ours.fileno(), closefd=False) as announced:
            yield Server(announced.readline().split()[-1], process.pid)
    finally:
        process.terminate()
        process.join()
        ours.close()


def _serve(stdout: Connection, options: Sequence[str]) -> None:
    import typer

    from ssegauge.reference_server.__main__ import main

    os.dup2(stdout.fileno(), 1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # faulty servers complain
    sys.argv = ["reference_server", "--port", "0", *options]
    typer.run(main)


class Done(NamedTuple):
    """A command that has ended."""

    status: int | None
    stdout: bytes
    stderr: bytes


def command(words: Sequence[str], cwd: Path, environment: Mapping[str, str], stdin: bytes, patience_s: float) -> Done:
    """Do what `ssegauge WORDS` does at a shell; one that does not end is killed, and its status is None."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in ("stdin", "stdout", "stderr")]
        files[0].write_bytes(stdin)
        process = FORKED.Process(target=_command, args=(words, cwd, dict(environment), files))
        process.start()
        process.join(patience_s)
        status = process.exitcode
        process.kill()
        process.join()
        return Done(status, files[1].read_bytes(), files[2].read_bytes())


def _command(words: Sequence[str], cwd: Path, environment: dict[str, str], files: Sequence[Path]) -> None:
    for number, (file, flags) in enumerate(zip(files, (os.O_RDONLY, os.O_WRONLY, os.O_WRONLY), strict=True)):
        os.dup2(os.open(file, flags | os.O_CREAT, 0o600), number)
    sys.stdin = os.fdopen(0, closefd=False)  # multiprocessing gave the child another, on a descriptor of its own
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    sys.argv = ["ssegauge", *words]
    from ssegauge.cli import main

    main()
