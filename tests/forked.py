"""The reference server as a process of its own, forked from one that has imported it already.

The matrix starts more than a hundred servers: with half a second of imports each, that would be most of its time.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import NamedTuple

FORKED = get_context("forkserver")
PRELOADED = ("conformance.judge", "conformance.play", "reference_server.__main__", "reference_server.server")
FORKED.set_forkserver_preload([f"ssegauge.{name}" for name in PRELOADED])


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
