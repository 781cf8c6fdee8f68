"""Where Locust's events meet a run: it begins, its users are there, it ends, a message has come for it.

Importing this module registers the listeners.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from functools import cache
from typing import Any, Final
from weakref import WeakKeyDictionary

import gevent
from locust import argument_parser, events, runners
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.rpc import Message
from locust.runners import LocalRunner, MasterRunner, Runner, WorkerRunner

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.recording.keeper import end_with_parent
from ssegauge.loadtests.running.node import Node
from ssegauge.loadtests.running.options import STATUS_VARIABLE, add_options
from ssegauge.loadtests.running.run import EXIT_CODES, ORDER, REPORT, Run

LIVENESS: Final = (
    8  # heartbeats (a second each) that a worker may owe: Locust's three declare one dead that opens streams
)
_runs: WeakKeyDictionary[Environment, Run] = WeakKeyDictionary()


def node_of(environment: Environment) -> Node:
    """Return the node of this process; raises CannotJudge outside of a run."""
    run = _runs.get(environment)
    if not run or not run.node:
        raise CannotJudge("no run is going on; SSEUser needs Locust")
    return run.node


def _stop_with(environment: Environment, error: CannotJudge) -> None:
    print(f"ssegauge: {error}", file=sys.stderr)
    environment.process_exit_code = EXIT_CODES["could_not_judge"]
    if environment.runner:
        gevent.spawn(environment.runner.quit)


def _on_parser(parser: LocustArgumentParser, **_: object) -> None:
    add_options(parser)


def _on_init(runner: Runner, **_: object) -> None:
    def on_order(environment: Environment, msg: Message, **_: object) -> None:
        _runs[environment].obey(msg.data)

    def on_report(environment: Environment, msg: Message, **_: object) -> None:
        if run := _runs.get(environment):
            run.receive(msg.node_id, msg.data)

    if STATUS_VARIABLE in os.environ:  # the process that started us, or of a worker the master, takes us with it
        end_with_parent(signal.SIGTERM)
    if isinstance(runner, WorkerRunner):
        _leave_the_telling_to_the_master()
        runner.register_message(ORDER, on_order, concurrent=True)
    elif isinstance(runner, MasterRunner):
        runner.register_message(REPORT, on_report)
        runners.HEARTBEAT_LIVENESS = LIVENESS


def _leave_the_telling_to_the_master() -> None:
    """Close the way to the process that started us: as long as anybody holds it, that one waits for more."""
    if descriptor := os.environ.pop(STATUS_VARIABLE, ""):
        os.close(int(descriptor))


def _on_test_start(environment: Environment, **_: object) -> None:
    try:
        _runs[environment] = Run(environment)
        _runs[environment].start()
    except CannotJudge as error:
        _stop_with(environment, error)


def _on_spawning_complete(**_: object) -> None:
    for run in list(_runs.values()):
        run.conduct()


def _on_test_stopping(environment: Environment, **_: object) -> None:
    run = _runs.get(environment)
    if run and isinstance(run.runner, LocalRunner | MasterRunner):
        run.finish()


# A worker asks for these once for each of the master's hundred options, at each of its messages to start users; each
# time Locust builds its whole parser anew: seconds in which the worker does nothing else.
argument_parser.default_args_dict = cache(argument_parser.default_args_dict)

_LISTENERS: Final[Mapping[Any, Any]] = {
    events.init_command_line_parser: _on_parser,
    events.init: _on_init,
    events.test_start: _on_test_start,
    events.spawning_complete: _on_spawning_complete,
    events.test_stopping: _on_test_stopping,
}
for hook, listener in _LISTENERS.items():
    hook.add_listener(listener)
