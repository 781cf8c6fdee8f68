"""One process's side of a run: the node that it is, the conductor that it has, or both, and the way between them.

Alone, a process has both, and orders are calls. With workers, each has a node; the master has the conductor,
orders and reports are Locust messages.
"""

from __future__ import annotations

import gc
import json
import os
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import gevent
from locust.env import Environment
from locust.runners import STATE_MISSING, MasterRunner, Runner, WorkerRunner
from locust.stats import CSV_STATS_INTERVAL_SEC

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.runfolder import RunFolder
from ssegauge.loadtests.measuring import samples, server
from ssegauge.loadtests.running.conducting.conductor import FLUSH_S, Conductor
from ssegauge.loadtests.running.conducting.live import Live
from ssegauge.loadtests.running.locust_stats import Statistics
from ssegauge.loadtests.running.node import Node
from ssegauge.loadtests.running.node.asking import PATIENCE_S
from ssegauge.loadtests.running.options import STATUS_VARIABLE
from ssegauge.loadtests.running.scenario import Scenario, own_folder

ORDER: Final = "ssegauge-order"
REPORT: Final = "ssegauge-report"
REPORT_S: Final = 0.5
SUMMING_UP_S: Final = 0.005  # at most, for each stream, where a worker has many
JUDGING_S: Final = 300.0  # more, for workers that say that they still judge
EXIT_CODES: Final = {"pass": 0, "fail": 1, "could_not_judge": 2}


class Run:
    """What one process has of a run: a node, a conductor, or both."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.runner: Runner = _runner(environment)
        self._scenario = Scenario(environment)
        self._target = self._scenario.target
        existing = self._target.existing
        self._statistics = Statistics(environment.stats, f"{existing.method} {existing.path}" if existing else "")
        self.node: Node | None = None
        self.conductor: Conductor | None = None
        self._loops: list[gevent.Greenlet] = []
        self._writing: list[gevent.Greenlet] = []
        self._expected: set[str] = set()  # workers, when the run began
        self._conducting = self._finished = False
        self._live: Live | None = None
        self._folder: RunFolder | None = None  # when nobody else keeps it

    def start(self) -> None:
        """Make what this process has; set its loops going."""
        if not isinstance(self.runner, MasterRunner):
            _calm_the_collector()
            self.node = Node(self._target, self._scenario.part(self.runner))
            if self._scenario.asks:
                self.node.take_orders(self._scenario.orders)
            self._writing.append(gevent.spawn(self._report_loop))
        if not isinstance(self.runner, WorkerRunner):
            self._folder = own_folder(self.environment, self._target)
            self.conductor = Conductor(self._scenario.plan(self.runner, self._folder), self._target, self)
            self._live = _live(self.conductor.plan.out, self.environment)
            _keep_no_history(self.environment)
            self._writing.append(gevent.spawn(self._flush_loop))
            self._expected = _workers(self.runner)
            if pid := server.process_of(self._target):
                self._loops.append(gevent.spawn(server.watch, pid, self.conductor.rows))

    def conduct(self) -> None:
        """Lead the run from when all users are there; end it when its time is up."""
        if self.conductor and not self._conducting:  # once: Locust says so after each change of users
            self._conducting = True
            there = _workers(self.runner)
            self._expected |= there
            self._loops.append(gevent.spawn(self._conduct, self.conductor, len(there) or 1))

    def finish(self) -> None:
        """Drain, gather the last reports, write the run folder; once, and before Locust stops anything."""
        if not self.conductor or self._finished:
            return
        self._finished = True
        # But for those that report and write: what comes until all is over would fill memory.
        gevent.killall([loop for loop in self._loops if loop is not gevent.getcurrent() and loop not in self._writing])
        self.conductor.finish()
        self._await_finals()
        gevent.killall(self._writing)
        self._report(final=True)
        if missing := self.conductor.reported.missing(self._expected):
            self.conductor.complain(_ended_early(missing))
        document = self.conductor.conclude()
        if self._live:
            self._live.stop()
        if self._folder:
            self._folder.finish()
        self.environment.process_exit_code = EXIT_CODES[document["verdict"]]
        if self.environment.parsed_options and self.environment.parsed_options.csv_prefix:
            gevent.sleep(1.5 * CSV_STATS_INTERVAL_SEC)  # Locust writes its files once in that time, and not at the end

    def obey(self, order: Mapping[str, Any]) -> None:
        """Do the conductor's order; after the last one, send the last report."""
        assert self.node
        self.node.obey(order)
        if order["do"] == "drain" and isinstance(self.runner, WorkerRunner):
            self._report(final=True)

    def receive(self, node: str, report: Mapping[str, Any]) -> None:
        """Take a report, in the conductor's process."""
        if self.conductor:
            self._statistics.take(self.conductor.take(node, report))

    def _conduct(self, conductor: Conductor, nodes: int) -> None:
        options = self.environment.parsed_options
        try:
            conductor.conduct(nodes)
            self.finish()
        except Exception:  # noqa: BLE001 - a defect of ours is no reason to run for ever
            traceback.print_exc()
        if options and options.headless:
            self.runner.quit()
        else:
            self.runner.stop()

    def tell(self, order: Mapping[str, Any]) -> None:
        """Pass the conductor's order on to every node."""
        if self.node:
            self.node.obey(order)
        else:
            self.runner.send_message(ORDER, dict(order))

    def refresh(self) -> None:
        """Let the conductor know the latest counts; those of workers come by themselves."""
        self._report()

    def say(self, status: Mapping[str, Any]) -> None:
        """Tell the process that started us what goes on; when it is gone, there is nobody to run for."""
        if self._live:
            self._live.take(status)
        if not (descriptor := os.environ.get(STATUS_VARIABLE)):
            return
        try:
            os.write(int(descriptor), json.dumps(status).encode() + b"\n")
        except BrokenPipeError:
            del os.environ[STATUS_VARIABLE]
            gevent.spawn(self.runner.quit)

    def _await_finals(self) -> None:
        if isinstance(self.runner, MasterRunner):
            limit_s = 5 * 2 * self._target.limits.update_s + 5 + (PATIENCE_S[1] if self._scenario.asks else 0.0)
            limit_s += SUMMING_UP_S * (self.conductor.plan.users if self.conductor else 0)
            give_up_s = time.monotonic() + limit_s
            while self.conductor and (late := set(self.conductor.reported.missing(())) & _workers(self.runner)):
                if time.monotonic() > give_up_s + JUDGING_S * self.conductor.reported.are_judging(late):
                    return
                gevent.sleep(REPORT_S / 5)

    def _report_loop(self) -> None:
        while True:
            gevent.sleep(REPORT_S)
            self._report()

    def _report(self, *, final: bool = False) -> None:
        if not self.node:
            return
        report = self.node.report() | {"final": final, "is_judging": self.node.is_judging}
        replies, self.node.replies = self.node.replies, []
        self._statistics.take_replies(replies)
        self._statistics.take_failures(report["counts"])
        if isinstance(self.runner, WorkerRunner):
            self._statistics.take(samples.matrix(report["rows"]))
            self.runner.send_message(REPORT, report)
        else:
            self.receive("local", report)

    def _flush_loop(self) -> None:
        assert self.conductor
        while True:
            gevent.sleep(FLUSH_S)
            self._statistics.take(self.conductor.take_own())
            self.conductor.flush()


def _calm_the_collector() -> None:
    """Keep Python's cycle collector from stopping everything: over 18,000 streams a full pass takes a second.

    What a stream leaves behind is freed by reference counts, as closing it breaks its one cycle.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 1000)


def _keep_no_history(environment: Environment) -> None:
    """Have Locust keep no course of its statistics where no page, file or report of its own shows it: it has no end."""
    options = environment.parsed_options
    if options and options.headless and not (options.csv_prefix or options.html_file):
        for one in (environment.stats, environment.stats.total):
            one.use_response_times_cache = False


def _runner(environment: Environment) -> Runner:
    assert environment.runner, "Locust creates the runner before it fires init"
    return environment.runner


def _live(folder: Path, environment: Environment) -> Live:
    port = getattr(environment.parsed_options, "ssegauge_metrics_port", 0)
    try:
        return Live(folder, port)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise CannotJudge(f"--metrics-port {port}: cannot listen there ({why}); choose another port") from None


def _workers(runner: Runner) -> set[str]:
    """Return the workers that are there: one that has died stays in Locust's list for a minute."""
    if not isinstance(runner, MasterRunner):
        return set()
    return {name for name, client in runner.clients.items() if client.state != STATE_MISSING}


def _ended_early(nodes: Sequence[str]) -> str:
    names = ", ".join(nodes)
    return f"ended before their time: {names}; what they had not reported by then is missing, so nothing can be judged"
