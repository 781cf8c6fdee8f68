"""Leads a run: when streams are wanted, when updates are driven, when it is over; gathers what nodes report.

There is one conductor a run, in the process that runs alone or in the master. It gives orders to every node
through ``tell``, takes their reports through ``take``, writes the samples each second and load.json at the
end. With an existing endpoint to look at, the second half of the run is cut into phases without and with streams,
in turn.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol

import gevent
import numpy as np

from ssegauge.conformance.errors import HELD
from ssegauge.conformance.recording.files import private
from ssegauge.conformance.recording.redaction import Redactor, dump_rows
from ssegauge.conformance.runfolder import RunFolder
from ssegauge.conformance.target import Target
from ssegauge.loadtests.driving.pings import Pinger
from ssegauge.loadtests.judging import health, herd, impact, summary, under_load
from ssegauge.loadtests.judging.answers import Requests, unanswered
from ssegauge.loadtests.judging.facts import Facts
from ssegauge.loadtests.judging.guard import Guard
from ssegauge.loadtests.judging.herd import USUAL_RETRY_S, Cut, Herd
from ssegauge.loadtests.judging.objectives import Objective
from ssegauge.loadtests.measuring import samples
from ssegauge.loadtests.measuring.event_types import Merged
from ssegauge.loadtests.measuring.generator import cpu_s
from ssegauge.loadtests.measuring.samples import FIRST_EVENT, FIRST_TOKEN, UPDATE, Rows
from ssegauge.loadtests.measuring.shape import Shape
from ssegauge.loadtests.running.live import Pace
from ssegauge.loadtests.running.orders import Orders
from ssegauge.loadtests.running.reported import Reported

FLUSH_S: Final = 1.0
READY_S: Final = 30.0  # at most, until every user has its task
SETTLE_S: Final = 0.2  # after streams were opened or closed, before pings count
WINDOW_S: Final = 0.4  # of pings that count, in each phase
UNTIMED_S: Final = 15.0  # of holding streams before phases begin, in a run without an end
POLL_S: Final = 0.02
OPENING_PATIENCE: Final = 10.0  # times the limit: so long the last of a herd may take to come back
WAITED_S: Final = 10.0  # behind the time that a server asked for, in which it may ask once more
TRIES: Final = 3  # of a stream that is missing, a second apart, until nobody waits for it any more
MOST_REFUSED: Final = 5  # requests, when no user asks: from then on a server that answered none is given up


class Nodes(Protocol):
    """What a conductor needs of those around it."""

    def tell(self, order: Mapping[str, Any]) -> None:
        """Give an order to every node; may return when it is done, or at once."""

    def refresh(self) -> None:
        """Have the nodes' latest reports taken, where that is possible at once."""

    def say(self, status: Mapping[str, Any]) -> None:
        """Let the user know what goes on."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is to do. ``duration_s`` counts from when all users are there; None: until stopped."""

    scenario: str
    out: Path
    users: int
    rate: float
    duration_s: float | None
    drives: bool  # updates are triggered
    phased: bool  # compare the existing endpoint without and with streams
    publishes: bool = False  # updates are what is published to the one stream that all watch
    herds: bool = False  # all are cut at once, and come back together, again and again
    asked: tuple[str, ...] = ()  # objectives that the user states
    abort_on: tuple[str, ...] = ()  # those that end the run when they are broken
    orders: Orders | None = None  # requests that are answered are the load
    shape: Shape | None = None  # how many streams at each moment; None: all of them, all the time
    extend_s: float = 30.0  # at most, beyond the duration, for an interval that holds the limit


class Conductor:
    """See the module."""

    def __init__(self, plan: Plan, target: Target, around: Nodes) -> None:
        self.plan, self.target, self._around = plan, target, around
        self.rows = Rows()
        self.complaint = ""
        self.stage = "starting users"
        self.nodes = 1
        self._started = datetime.now(UTC)
        self._zero = time.monotonic()
        self._parts = samples.Parts(plan.out, self._started.timestamp() * 1e3)
        self.reported = Reported()
        self._pending: list[bytes] = []
        self._types = Merged()
        self._pace = Pace()
        self._cuts: list[Cut] = []
        self._phases: list[dict[str, Any]] = []
        self._received = 0
        self._recent: np.ndarray[Any, np.dtype[np.float64]] = np.empty(0)
        self._ping_failures: Counter[str] = Counter()
        self._held: int | None = None
        self._guard = Guard(plan.abort_on)
        self._aborted: Objective | None = None
        self._is_full = False  # where the samples go
        self._timed = FIRST_EVENT if target.promises.token is None else FIRST_TOKEN
        self._deadline = 0.0
        self._measuring_since = self._shaped_since = 0.0

    # Orders.

    def conduct(self) -> None:
        """Lead the run from when all users are there to its end; returns when its time is up."""
        if self.plan.orders:
            self._let_ask(self.plan.orders)
            return
        if self.plan.herds:
            self._let_herd_come()
        if not (self.plan.shape or self._users_are_ready()):
            return
        self._measuring_since = time.monotonic()
        self._deadline = self._measuring_since + (self.plan.duration_s or float("inf"))
        self._around.tell({"do": "measure", "wanted": True})
        if self.plan.drives:
            share = self.nodes if self.plan.publishes or self.plan.scenario == "progress" else 1
            self._around.tell({"do": "drive", "rate": self.plan.rate / share})
        if self.plan.shape:
            self._follow(self.plan.shape)
            return
        if self.plan.herds:
            self._stampede()
            return
        if not self.plan.phased:
            self._hold(self._deadline)
            return
        # Latency first: a stream that is open for a phase only shows, of a server that polls, the start of a period.
        self._hold(self._measuring_since + (self.plan.duration_s or 2 * UNTIMED_S) / 2)
        self._around.tell({"do": "measure", "wanted": False})
        self._alternate()

    def finish(self) -> None:
        """Let everything outstanding arrive and end what was opened; returns when the nodes have."""
        self.stage = "waiting for what is outstanding"
        self._around.tell({"do": "drain"})

    # Reports.

    def take(self, node: str, report: Mapping[str, Any]) -> samples.Floats:
        """Take a node's report; return its rows."""
        self.reported.take(node, report)
        return self._keep(self._types.take(node, report["types"], samples.matrix(report["rows"])))

    def take_own(self) -> samples.Floats:
        """Take the conductor's own rows, those of the pings; return them."""
        return self._keep(samples.matrix(self.rows.take()))

    def flush(self) -> None:
        """Write what was reported, and say what goes on."""
        self._write()
        counts = {"failed": self.reported.total("failed"), "dropped": self.reported.total("dropped")}
        self._aborted = self._aborted or self._guard.broken(time.monotonic() - self._zero, counts)
        self._around.say(self.status())

    def _write(self) -> None:
        """Write what was reported; where there is no room for it the run is over, and what was written is kept."""
        rows = b"".join(self._pending)
        self._pending.clear()
        if self._is_full:
            return
        try:
            self._parts.write(rows, self._types.labels)
        except OSError as error:
            self._is_full = True
            why = error.strerror or str(error)
            self.complaint = (
                f"{self.plan.out}: {why}; what was measured before is kept. Make room, or choose another --out"
            )

    def status(self) -> dict[str, Any]:
        """Return what goes on, as plain values."""
        recent, tally = self._recent, self.reported.tally
        return {
            "stage": self.stage,
            "elapsed_s": round(time.monotonic() - self._zero, 1),
            "left_s": max(0.0, round(self._deadline - time.monotonic(), 1)) if self._deadline < 1e300 else None,
            "started": self._started.isoformat(timespec="microseconds"),
            "rate": self.plan.rate if self.plan.drives else None,
            "clock": self.reported.clock,
            "users": self._wanted_now(),
            "open": self.reported.total("open"),
            "failed": self.reported.total("failed") + tally.failed,
            "dropped": self.reported.total("dropped") + tally.cut,
            "finished": tally.finished if self.plan.orders else None,
            "sent": self.reported.total("updates"),
            "refused": self.reported.total("refused"),
            "received": self._received,
            **self._pace.per_second(),
            "nodes_cpu_s": sum(self.reported.each("cpu_s")),
            "nodes_kib": sum(self.reported.each("resident_kib")),
            "leader_cpu_s": cpu_s(),
            "p99_ms": round(float(np.percentile(recent, 99)), 2) if recent.size else None,
        }

    def conclude(self) -> dict[str, Any]:
        """Write the last rows and load.json; return the document."""
        self.flush()
        self._parts.merge()
        judged = under_load.merged(filter(None, self.reported.each("conformance")))
        transcripts = judged.pop("transcripts")
        self._write_transcripts({} if self._is_full else transcripts)
        document = summary.summarize(self.plan.out, self.target, self._facts(judged))
        RunFolder(self.plan.out, self.target).write("load.json", document)
        self.reported.close()
        return document

    def _keep(self, numbers: samples.Floats) -> samples.Floats:
        self._pending.append(numbers.tobytes())
        self._guard.take(time.monotonic(), numbers)
        self._pace.take(numbers)
        updates = numbers[numbers[:, 1] == (self._timed if self.plan.orders else UPDATE)][:, 3]
        self._received += updates.size
        self._recent = updates if updates.size else self._recent
        return numbers

    def _write_transcripts(self, transcripts: Mapping[str, Any]) -> None:
        folder = self.plan.out / "transcripts"
        redact = Redactor(self.target.secrets)
        for name, rows in transcripts.items():
            folder.mkdir(exist_ok=True, mode=0o700)
            with open(folder / f"{name}.jsonl", "w", encoding="utf-8", opener=private) as file:
                file.write(dump_rows(rows, redact))

    def _facts(self, judged: Mapping[str, Any]) -> Facts:
        reported, tally = self.reported, self.reported.tally
        return Facts(
            scenario=self.plan.scenario,
            started=self._started.isoformat(timespec="microseconds"),
            duration_s=time.monotonic() - self._zero,
            users=self.plan.users,
            rate=self.plan.rate if self.plan.drives else None,
            clock=reported.clock,
            failed=reported.total("failed") + tally.failed,
            dropped=reported.total("dropped") + tally.cut,
            failures=reported.counted("failures") + tally.failures,
            drops=reported.counted("drops") + tally.cuts,
            account=reported.account,
            sending_ms=reported.figures("sending_ms"),
            looping_ms=reported.figures("looping_ms"),
            cpu_shares=reported.figures("cpu_shares"),
            clock_step_ms=max(reported.each("clock_step_ms"), default=0.0),
            standstill_ms=max(reported.each("standstill_ms"), default=0.0),
            clocks=reported.clocks,
            updates={name: reported.total(name) for name in ("planned", "accepted", "refused")},
            refusals=reported.counted("refusals"),
            told_to_wait=reported.told_to_wait,
            held=self._held,
            witnessed=reported.witnessed,
            left={how: reported.total(f"left_by_{how}") for how in ("fin", "rst")},
            checked=reported.total("checked"),
            checks=reported.counted("checks"),
            aborted=self._aborted,
            asked=self.plan.asked,
            requests=self._requests(self.plan.orders) if self.plan.orders else None,
            types=reported.types,
            herd=self._herd() if self.plan.herds else None,
            shape=self.plan.shape if self._shaped_since else None,
            shaped_since_s=self._shaped_since - self._zero,
            phases=self._phases,
            ping_failures=self._ping_failures,
            conformance=judged,
            complaint=self.complaint or reported.own_fault,
        )

    def _requests(self, orders: Orders) -> Requests:
        arrivals = f"{orders.arrivals}" if orders.arrivals else ""
        return Requests(self.reported.tally, arrivals, orders.think_s)

    # The course of a run.

    def _users_are_ready(self) -> bool:
        """Wait until every user has what it needs; when none gets anywhere, the run is void."""
        give_up = time.monotonic() + READY_S
        while time.monotonic() < give_up and not (self._is_ready() or self._is_short()):
            gevent.sleep(POLL_S)
            self._around.refresh()
            if self._is_hopeless():
                break
        if self.reported.total("opened"):
            return True
        self._say_hopeless()
        return False

    def _say_hopeless(self) -> None:
        why = (
            summary.reasons(self.reported.counted("failures") + self.reported.counted("errors"))
            or f"nothing happened within {READY_S:.0f} s"
        )
        remedy = HELD if "timed out" in why else "check base_url, stream.path and the hooks"
        own = health.own_limit(self.reported.counted("failures"))
        self.complaint = own or f"no stream could be opened: {why}; {remedy}"

    def _is_ready(self) -> bool:
        return self.reported.total("opened") >= self.plan.users

    def _is_short(self) -> bool:
        """Whether streams that are missing have been refused again and again: the run goes on with the others."""
        opened, failed = self.reported.total("opened"), self.reported.total("failed")
        missing = self.plan.users - opened
        return opened > 0 and failed >= TRIES * missing > 0 and not self._is_told_to_wait()

    def _is_hopeless(self) -> bool:
        tried = self.reported.total("failed") + self.reported.counted("errors").total()
        return not self.reported.total("opened") and tried >= self.plan.users and not self._is_told_to_wait()

    def _let_ask(self, orders: Orders) -> None:
        """Have requests made until the time is up, or every one of the first has failed."""
        self.stage = "asking"
        self._measuring_since = time.monotonic()
        self._deadline = self._measuring_since + (self.plan.duration_s or float("inf"))
        self._around.tell({"do": "measure", "wanted": True})
        if self.plan.shape:
            self._begin(self.plan.shape)
        if orders.arrivals:
            self._around.tell({"do": "arrive", "rate": orders.arrivals.rate / self.nodes})
        while time.monotonic() < self._deadline and not (self._is_cut or self._is_refused()):
            gevent.sleep(POLL_S)

    def _is_refused(self) -> bool:
        tally = self.reported.tally
        tried = tally.failed + self.reported.counted("errors").total()
        if self.reported.total("opened") or tried < max(self.plan.users, MOST_REFUSED) or self._is_told_to_wait():
            return False
        self.complaint = unanswered(tally.failures + self.reported.counted("errors"))
        return True

    @property
    def _is_cut(self) -> bool:
        """Whether the run is over before its time."""
        return self._is_full or self._aborted is not None

    def _hold(self, until: float, is_over: Callable[[], bool] = lambda: False) -> None:
        self.stage = "holding streams"
        while time.monotonic() < until and not (self._is_cut or is_over()):
            gevent.sleep(POLL_S)

    def _let_herd_come(self) -> None:
        """Have all open their streams in the same moment, once all are there."""
        give_up = time.monotonic() + READY_S
        while self.reported.total("ready") < self.plan.users and time.monotonic() < give_up:
            gevent.sleep(POLL_S)
            self._around.refresh()
        self._around.tell({"do": "streams", "wanted": True})

    def _stampede(self) -> None:
        """Cut all streams at once, wave after wave; the last readers may take as long to come back as any to open."""
        every_s = herd.every_s(self.plan.duration_s)
        due_s = self._measuring_since + every_s
        while due_s + every_s / 2 < self._deadline and not self._is_cut:
            self._hold(due_s)
            self._note_cut()
            self._around.tell({"do": "scatter", "staying": self._staying() // self.nodes})
            self._around.refresh()
            due_s += every_s
        self._hold(self._deadline)
        patience_s = OPENING_PATIENCE * self.target.limits.connect_s
        self._hold(
            self._deadline + patience_s,
            lambda: self.reported.total("open") + self.reported.total("stopped") >= self.plan.users,
        )
        self._note_cut()

    def _note_cut(self) -> None:
        self._around.refresh()
        at_s = time.monotonic() - self._zero
        staying = min(self._staying(), self.reported.total("open"))
        self._cuts.append(Cut(at_s, self.reported.total("open") - staying, self.reported.total("failed"), staying))

    def _staying(self) -> int:
        """Return how many readers are not cut, over all processes."""
        return herd.STAYING * self.nodes if self.plan.users >= herd.FEWEST * self.nodes else 0

    def _herd(self) -> Herd:
        retry_s = self.reported.retry_s
        return Herd(
            cuts=self._cuts or [Cut(0.0, 0, self.reported.total("failed"))],
            returned=self.reported.returned,
            retry_s=USUAL_RETRY_S if retry_s is None else retry_s,
            told=retry_s is not None,
            stopped=self.reported.total("stopped"),
            promised=bool(self.target.promises.resume) or self.target.profile == "task-progress",
        )

    def _follow(self, shape: Shape) -> None:
        """Have as many streams as the shape wants; at its end the last may take as long to open as any other."""
        self._begin(shape)
        self._hold(self._deadline, self._is_refusing)
        grace_s, total = self._deadline + self.target.limits.connect_s, self.reported.total
        self._hold(grace_s, lambda: total("open") == shape.wanted(shape.duration_s) or total("failed") > 0)

    def _begin(self, shape: Shape) -> None:
        self._shaped_since = time.monotonic()
        self._around.tell({"do": "shape", "points": shape.points, "of": self.nodes})

    def _wanted_now(self) -> int:
        shape = self.plan.shape
        return shape.wanted(time.monotonic() - self._shaped_since) if shape and self._shaped_since else self.plan.users

    def _is_refusing(self) -> bool:
        """Whether none of the first streams could be opened; says why."""
        tried = self.reported.total("failed") + self.reported.counted("errors").total()
        if self.reported.total("opened") or tried < MOST_REFUSED or self._is_told_to_wait():
            return False
        self._say_hopeless()
        return True

    def _is_told_to_wait(self) -> bool:
        """Whether the server has asked for time, and has not had it: who comes back then may be served."""
        longest_s = self.reported.longest_wait_s
        return longest_s > 0 and time.monotonic() - self._zero < longest_s + WAITED_S

    def _alternate(self) -> None:
        assert self.target.existing
        pinger = Pinger(self.target, self.target.existing, self.rows)
        self._ping_failures = pinger.failures
        number = 0
        while not self._is_over(number):
            number += 1
            self._phase(2 * number - 1, streams=False)
            self._phase(2 * number, streams=True)
        pinger.stop()

    def _is_over(self, pairs: int) -> bool:
        if self._is_cut:
            return True
        if time.monotonic() < self._deadline or pairs < 1:
            return False
        if time.monotonic() > self._deadline + self.plan.extend_s:
            return True
        self.take_own()
        self.flush()
        ratio = impact.ratio_of(dict(samples.read_phases(self.plan.out, samples.EXISTING)))
        if impact.is_decided(ratio, self.target.limits.degradation) or self._ping_failures:
            return True
        self.stage = "extending, until the impact on the existing endpoint is decided"
        return False

    def _phase(self, code: int, *, streams: bool) -> None:
        name = samples.phase_name(code)
        if not self.stage.startswith("extending"):
            self.stage = f"phase {name}"
        self._around.tell({"do": "streams", "wanted": streams})
        self._wait_for(lambda: self.reported.total("open") == (self.plan.users if streams else 0))
        gevent.sleep(SETTLE_S)
        start_s = time.monotonic() - self._zero
        if streams:
            is_open = self.reported.total("open")
            self._held = is_open if self._held is None else min(self._held, is_open)
        self._mark(code)
        gevent.sleep(WINDOW_S)
        self._mark(0)
        end_s = time.monotonic() - self._zero
        self._phases.append({"name": name, "start_s": start_s, "end_s": end_s, "streams": streams})

    def _mark(self, code: int) -> None:
        self.rows.phase = code
        self._around.tell({"do": "phase", "phase": code})

    def _wait_for(self, condition: Callable[[], bool]) -> None:
        give_up = time.monotonic() + 10 * self.target.limits.connect_s
        while not condition() and time.monotonic() < give_up:
            gevent.sleep(POLL_S)
            self._around.refresh()
