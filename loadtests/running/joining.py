"""Several processes, of one machine or of many, that make one run: what does not go together, and who waits for whom.

``--processes N`` forks N workers here; ``--master`` leads workers elsewhere, each started with ``--worker`` (and
``--processes N`` for N of them). Imports neither Locust nor gevent.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from typing import TYPE_CHECKING, Final

from ssegauge.conformance.errors import CannotJudge

if TYPE_CHECKING:
    from ssegauge.loadtests.running.cli import Options

ANYWHERE: Final = "0.0.0.0"  # noqa: S104 - workers of other machines come to a master
WEB_HOST: Final = "127.0.0.1"
GAVE_UP: Final = "Gave up waiting for workers"  # Locust's words; a test holds them
UNHEARD: Final = "heartbeat from master"
_TRY_S: Final = 0.5


def check_together(options: Options, *, search: bool = False) -> None:
    """Raise CannotJudge for options that contradict each other, or a port at which no master can listen."""
    if options.master and options.worker:
        raise CannotJudge("--master and --worker: a process is one of them; start the other one by itself")
    if options.master and options.processes:
        raise CannotJudge(
            f"--master and --processes: a master holds no streams; start `ssegauge load --worker --processes"
            f" {options.processes}` beside it, or leave out --master"
        )
    if search and (options.master or options.worker):
        raise CannotJudge("--find-limit: workers end with each run of the search; use --processes")
    if options.master:
        check_free("--master-port", options.master_port, ANYWHERE)


def check_free(option: str, port: int, host: str = WEB_HOST) -> None:
    """Raise CannotJudge when nobody can listen at a port of this machine that an option names."""
    try:
        socket.create_server((host, port)).close()
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)  # Python adds the address, which is known
        raise CannotJudge(f"{option} {port}: cannot listen there ({why}); choose another port") from None


def await_master(options: Options) -> None:
    """Return as soon as somebody listens where a worker's master should; raise CannotJudge when nobody ever does."""
    give_up = time.monotonic() + options.join_s
    where = options.master_host, options.master_port
    while True:
        try:
            with contextlib.closing(socket.create_connection(where, timeout=max(_TRY_S, options.join_s))):
                return
        except OSError as error:
            why = error.strerror or str(error)
        if time.monotonic() >= give_up:
            raise CannotJudge(
                f"--worker: no master at {where[0]}:{where[1]} within {options.join_s:g} s ({why}); start it"
                " with --master, or see --master-host and --master-port"
            )
        time.sleep(min(_TRY_S, options.join_s))


def lonely(options: Options, tail: str) -> str:
    """Return why a master or a worker ended that was left alone, by the last line that it wrote; else nothing."""
    if options.master and GAVE_UP in tail:
        return (
            f"--master: fewer than {options.expect_workers} workers came within {options.join_s:g} s; start them with"
            f" `ssegauge load TARGET --worker --master-host HOST --master-port {options.master_port}`,"
            " or see --expect-workers"
        )
    if options.worker and UNHEARD in tail:
        return f"--worker: the master at {options.master_host}:{options.master_port} was not heard of for a minute"
    return ""
