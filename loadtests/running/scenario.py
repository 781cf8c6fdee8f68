"""What a run is to be: by Locust's command line, the user class of the locustfile, and the target."""

from __future__ import annotations

import os
import sys
from itertools import count
from pathlib import Path

from locust.env import Environment
from locust.runners import Runner, WorkerRunner

from ssegauge.conformance.runfolder import RunFolder
from ssegauge.conformance.target import Target
from ssegauge.loadtests.measuring import shape
from ssegauge.loadtests.measuring.shape import Shape
from ssegauge.loadtests.running import choices
from ssegauge.loadtests.running.conducting.lead import Plan
from ssegauge.loadtests.running.node.node import Part
from ssegauge.loadtests.running.options import SOURCE_VARIABLE, TARGET_VARIABLE, orders_of, target_of
from ssegauge.loadtests.running.sources import addresses


class Scenario:
    """See the module. Raises CannotJudge where that makes no sense."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._options = environment.parsed_options
        self._user = environment.user_classes[0]
        paths = [getattr(user, "path", "") for user in environment.user_classes]
        self.orders = orders_of(self._options, target_of(self._options, next(filter(None, paths), "")))
        self.target = self.orders.target

    @property
    def asks(self) -> bool:
        """Whether the run is one of requests and their answers."""
        return bool(getattr(self._user, "asks", False))

    @property
    def herds(self) -> bool:
        """Whether all are cut at once, and come back."""
        return bool(getattr(self._user, "herds", False))

    @property
    def publishes(self) -> bool:
        """Whether it is driven by what is published, since there are no tasks to move."""
        target, options = self.target, self._options
        drives = getattr(self._user, "drives", False) and not target.needs_task
        return drives and target.publishes_to_all and bool(options and options.ssegauge_rate > 0)

    def part(self, runner: Runner) -> Part:
        """Return the part of this process."""
        options = self._options
        return Part(
            number=getattr(runner, "worker_index", 0),
            measure=str(options.ssegauge_measure) if options else "",
            opening_rate=self._opening_rate(runner),
            sources=addresses(os.environ.get(SOURCE_VARIABLE, "")),
            shaped=bool(self._shape),
            herds=self.herds,
            publishes=self.publishes,
        )

    def plan(self, runner: Runner, folder: RunFolder | None) -> Plan:
        """Return the plan of the whole run; ``folder`` where nobody else has made one."""
        options, task = self._options, self.target.task
        assert options
        moves = getattr(self._user, "drives", False) and bool(task.update and task.create_manual)
        stated, abort_on = _several(options.ssegauge_objective), _several(options.ssegauge_abort_on)
        choices.check_possible(stated, abort_on, self.target, asks=self.asks, herds=self.herds)
        is_arriving = self.asks and self.orders.arrivals  # requests arrive by a plan, and no users ask
        users = runner.target_user_count or options.num_users or 1
        return Plan(
            scenario=getattr(self._user, "scenario", "custom"),
            out=folder.path if folder else _unused(Path(options.ssegauge_out)),
            users=0 if is_arriving else users * streams_of(self._environment),
            rate=options.ssegauge_rate,
            duration_s=options.ssegauge_duration or None,
            drives=moves or self.publishes,
            publishes=self.publishes,
            phased=self._is_phased,
            herds=self.herds,
            shape=self._shape,
            extend_s=options.ssegauge_extend,
            orders=self.orders if self.asks else None,
            abort_on=abort_on,
            asked=stated,
        )

    @property
    def _shape(self) -> Shape | None:
        text = getattr(self._options, "ssegauge_shape", "")
        return shape.parse(text) if text else None

    @property
    def _is_phased(self) -> bool:
        """Whether streams are held in every other phase, to compare the existing endpoint without and with them."""
        scenario = getattr(self._user, "scenario", "")
        return scenario == "progress" and self.target.existing is not None and not self._shape

    def _opening_rate(self, runner: Runner) -> float:
        """Return how many streams this process opens per second: its share, where a master leads several."""
        options = self._options
        rate = getattr(options, "ssegauge_opening_rate", 0.0)
        rate = rate or (getattr(options, "spawn_rate", None) or 1.0) * streams_of(self._environment)
        workers = getattr(options, "expect_workers", 1) if isinstance(runner, WorkerRunner) else 1
        return float(rate) / max(1, workers)


def _several(texts: str) -> tuple[str, ...]:
    return tuple(filter(None, texts.split(";")))


def streams_of(environment: Environment) -> int:
    """Return how many streams each Locust user watches: as told, or as its class says."""
    told = getattr(environment.parsed_options, "ssegauge_streams", 0)
    return int(told or getattr(environment.user_classes[0], "streams", 1))


def own_folder(environment: Environment, target: Target) -> RunFolder | None:
    """Make the run folder, unless the process that started us has."""
    options = environment.parsed_options
    if TARGET_VARIABLE in os.environ or not options:
        return None
    return RunFolder.create(Path(options.ssegauge_out) if options.ssegauge_out else None, target, sys.argv)


def _unused(folder: Path) -> Path:
    """Return the run folder, or for a further test from Locust's page one below it."""
    if not (folder / "load.json").exists():
        return folder
    return next(below for number in count(2) if not (below := folder / f"test-{number}").exists())
