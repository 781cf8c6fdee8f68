"""Leads a run: when streams are wanted, when updates are driven, when it is over; gathers what nodes report.

There is one conductor a run, in the process that runs alone or in the master. It gives orders to every node
through ``tell``, takes their reports through ``take``, writes the samples each second and load.json at the
end. With an existing endpoint to look at, the second half of the run is cut into phases without and with streams,
in turn.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
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
from ssegauge.loadtests.measuring import event_types, samples
from ssegauge.loadtests.measuring.answers import Tally
from ssegauge.loadtests.measuring.clocks import Clocks
from ssegauge.loadtests.measuring.event_types import Merged
from ssegauge.loadtests.measuring.generator import cpu_s
from ssegauge.loadtests.measuring.integrity import Account
from ssegauge.loadtests.measuring.returning import Returned
from ssegauge.loadtests.measuring.samples import FIRST_EVENT, FIRST_TOKEN, UPDATE, Rows
from ssegauge.loadtests.measuring.shape import Shape
from ssegauge.loadtests.measuring.spool import Spool
from ssegauge.loadtests.measuring.witnesses import Witnessed
from ssegauge.loadtests.running.live import Pace
from ssegauge.loadtests.running.orders import Orders
from ssegauge.loadtests.stream.clock import Clock

FLUSH_S: Final = 1.0
READY_S: Final = 30.0  # at most, until every user has its task
SETTLE_S: Final = 0.2  # after streams were opened or closed, before pings count
WINDOW_S: Final = 0.4  # of pings that count, in each phase
UNTIMED_S: Final = 15.0  # of holding streams before phases begin, in a run without an end
POLL_S: Final = 0.02
OPENING_PATIENCE: Final = 10.0  # times the limit: so long the last of a herd may take to come back
WAITED_S: Final = 10.0  # behind the time that a server asked for, in which it may ask once more
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
        self._reports: dict[str, Mapping[str, Any]] = {}
        self._pending: list[bytes] = []
        self._types = Merged()
        self._pace = Pace()
        self._cuts: list[Cut] = []
        self._figures = {name: Spool() for name in ("sending_ms", "looping_ms", "cpu_shares")}
        self._phases: list[dict[str, Any]] = []
        self._received = 0
        self._recent: np.ndarray[Any, np.dtype[np.float64]] = np.empty(0)
        self._ping_failures: Counter[str] = Counter()
        self._held: int | None = None
        self._guard = Guard(plan.abort_on)
        self._aborted: Objective | None = None
        self._is_full = False  # where the samples go
        self._apart_ms: dict[str, float] = {}  # how much later than a node said it reported, at least
        self._last: set[str] = set()  # nodes that have sent their last report
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
            share = self.nodes if self.plan.scenario == "progress" else 1
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
        self._reports[node] = report
        if report.get("final"):
            self._last.add(node)
        apart_ms = time.time() * 1e3 - report["at_ms"]
        self._apart_ms[node] = min(apart_ms, self._apart_ms.get(node, apart_ms))
        for name, figures in self._figures.items():
            figures.add(report[name])
        return self._keep(self._types.take(node, report["types"], samples.matrix(report["rows"])))

    def take_own(self) -> samples.Floats:
        """Take the conductor's own rows, those of the pings; return them."""
        return self._keep(samples.matrix(self.rows.take()))

    def flush(self) -> None:
        """Write what was reported, and say what goes on."""
        self._write()
        counts = {"failed": self.total("failed"), "dropped": self.total("dropped")}
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
        recent, tally = self._recent, self._tally()
        return {
            "stage": self.stage,
            "elapsed_s": round(time.monotonic() - self._zero, 1),
            "left_s": max(0.0, round(self._deadline - time.monotonic(), 1)) if self._deadline < 1e300 else None,
            "started": self._started.isoformat(timespec="microseconds"),
            "rate": self.plan.rate if self.plan.drives else None,
            "clock": self._clock(),
            "users": self._wanted_now(),
            "open": self.total("open"),
            "failed": self.total("failed") + tally.failed,
            "dropped": self.total("dropped") + tally.cut,
            "finished": tally.finished if self.plan.orders else None,
            "sent": self.total("updates"),
            "refused": self.total("refused"),
            "received": self._received,
            **self._pace.per_second(),
            "nodes_cpu_s": sum(report["cpu_s"] for report in self._reports.values()),
            "nodes_kib": sum(report["resident_kib"] for report in self._reports.values()),
            "leader_cpu_s": cpu_s(),
            "p99_ms": round(float(np.percentile(recent, 99)), 2) if recent.size else None,
        }

    def missing(self, expected: Collection[str]) -> list[str]:
        """Return the nodes, of those expected and those that ever reported, without their last report."""
        return sorted(({*expected} | self._reports.keys()) - self._last)

    def conclude(self) -> dict[str, Any]:
        """Write the last rows and load.json; return the document."""
        self.flush()
        self._parts.merge()
        judged = under_load.merged(filter(None, (report["conformance"] for report in self._reports.values())))
        transcripts = judged.pop("transcripts")
        self._write_transcripts({} if self._is_full else transcripts)
        document = summary.summarize(self.plan.out, self.target, self._facts(judged))
        RunFolder(self.plan.out, self.target).write("load.json", document)
        for figures in self._figures.values():
            figures.close()
        return document

    def total(self, name: str) -> int:
        """Return the sum of a count over all nodes."""
        return sum(report["counts"][name] for report in self._reports.values())

    def counted(self, name: str) -> Counter[str]:
        """Return the sum of counted reasons over all nodes."""
        return sum((Counter(report["counts"][name]) for report in self._reports.values()), Counter())

    def _keep(self, numbers: samples.Floats) -> samples.Floats:
        self._pending.append(numbers.tobytes())
        self._guard.take(time.monotonic(), numbers)
        self._pace.take(numbers)
        updates = numbers[numbers[:, 1] == (self._timed if self.plan.orders else UPDATE)][:, 3]
        self._received += updates.size
        self._recent = updates if updates.size else self._recent
        return numbers

    def _clock(self) -> Clock:
        clocks = {report["clock"] for report in self._reports.values()}
        return "kernel" if clocks == {"kernel"} else "user"

    def _write_transcripts(self, transcripts: Mapping[str, Any]) -> None:
        folder = self.plan.out / "transcripts"
        redact = Redactor(self.target.secrets)
        for name, rows in transcripts.items():
            folder.mkdir(exist_ok=True, mode=0o700)
            with open(folder / f"{name}.jsonl", "w", encoding="utf-8", opener=private) as file:
                file.write(dump_rows(rows, redact))

    def _facts(self, judged: Mapping[str, Any]) -> Facts:
        accounts = [Account(**report["counts"]["account"]) for report in self._reports.values()]
        tally = self._tally()
        steps = [report["clock_step_ms"] for report in self._reports.values()]
        return Facts(
            scenario=self.plan.scenario,
            started=self._started.isoformat(timespec="microseconds"),
            duration_s=time.monotonic() - self._zero,
            users=self.plan.users,
            rate=self.plan.rate if self.plan.drives else None,
            clock=self._clock(),
            failed=self.total("failed") + tally.failed,
            dropped=self.total("dropped") + tally.cut,
            failures=self.counted("failures") + tally.failures,
            drops=self.counted("drops") + tally.cuts,
            account=sum(accounts, Account()),
            sending_ms=np.frombuffer(self._figures["sending_ms"].whole()),
            looping_ms=np.frombuffer(self._figures["looping_ms"].whole()),
            cpu_shares=np.frombuffer(self._figures["cpu_shares"].whole()),
            clock_step_ms=max(steps, default=0.0),
            standstill_ms=max((report["standstill_ms"] for report in self._reports.values()), default=0.0),
            clocks=sum((Clocks(**report["clocks"]) for report in self._reports.values()), Clocks()),
            updates={name: self.total(name) for name in ("planned", "accepted", "refused")},
            refusals=self.counted("refusals"),
            told_to_wait=self._told_to_wait(),
            held=self._held,
            witnessed=self._witnessed(),
            left={how: self.total(f"left_by_{how}") for how in ("fin", "rst")},
            checked=self.total("checked"),
            checks=self.counted("checks"),
            aborted=self._aborted,
            asked=self.plan.asked,
            requests=self._requests(self.plan.orders) if self.plan.orders else None,
            types=event_types.counted(report["types"] for report in self._reports.values()),
            herd=self._herd() if self.plan.herds else None,
            shape=self.plan.shape if self._shaped_since else None,
            shaped_since_s=self._shaped_since - self._zero,
            phases=self._phases,
            ping_failures=self._ping_failures,
            conformance=judged,
            complaint=self.complaint or self._own_fault(),
        )

    def _told_to_wait(self) -> dict[str, Any]:
        longest_s = max((report["counts"]["longest_wait_s"] for report in self._reports.values()), default=0.0)
        shortened = self.total("shortened_waits")
        return {"refusals": self.total("refusals_to_wait"), "longest_s": longest_s, "shortened": shortened}

    def _own_fault(self) -> str:
        """Return why nothing can be judged that is the fault of those who measure."""
        mistakes = summary.reasons(self.counted("errors"))
        return mistakes or health.clocks_apart(self._apart_ms) or health.own_limit(self.counted("failures"))

    def _requests(self, orders: Orders) -> Requests:
        arrivals = f"{orders.arrivals}" if orders.arrivals else ""
        return Requests(self._tally(), arrivals, orders.think_s)

    def _witnessed(self) -> Witnessed | None:
        told = [report["witnessed"] for report in self._reports.values() if report["witnessed"]]
        parts = (Witnessed(**(part | {"counts": tuple(part["counts"])})) for part in told)
        return sum(parts, Witnessed()) if told else None

    # The course of a run.

    def _users_are_ready(self) -> bool:
        """Wait until every user has what it needs; when none gets anywhere, the run is void."""
        give_up = time.monotonic() + READY_S
        while time.monotonic() < give_up and not self._is_ready():
            gevent.sleep(POLL_S)
            self._around.refresh()
            if self._is_hopeless():
                break
        if self.total("opened"):
            return True
        self._say_hopeless()
        return False

    def _say_hopeless(self) -> None:
        why = (
            summary.reasons(self.counted("failures") + self.counted("errors"))
            or f"nothing happened within {READY_S:.0f} s"
        )
        remedy = HELD if "timed out" in why else "check base_url, stream.path and the hooks"
        own = health.own_limit(self.counted("failures"))
        self.complaint = own or f"no stream could be opened: {why}; {remedy}"

    def _is_ready(self) -> bool:
        return self.total("opened") >= self.plan.users

    def _is_hopeless(self) -> bool:
        tried = self.total("failed") + self.counted("errors").total()
        return not self.total("opened") and tried >= self.plan.users and not self._is_told_to_wait()

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
        tally = self._tally()
        tried = tally.failed + self.counted("errors").total()
        if self.total("opened") or tried < max(self.plan.users, MOST_REFUSED) or self._is_told_to_wait():
            return False
        self.complaint = unanswered(tally.failures + self.counted("errors"))
        return True

    def _tally(self) -> Tally:
        parts = (report["answers"] for report in self._reports.values() if report["answers"])
        return sum(map(Tally.of, parts), Tally())

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
        while self.total("ready") < self.plan.users and time.monotonic() < give_up:
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
        self._hold(self._deadline + patience_s, lambda: self.total("open") + self.total("stopped") >= self.plan.users)
        self._note_cut()

    def _note_cut(self) -> None:
        self._around.refresh()
        at_s = time.monotonic() - self._zero
        staying = min(self._staying(), self.total("open"))
        self._cuts.append(Cut(at_s, self.total("open") - staying, self.total("failed"), staying))

    def _staying(self) -> int:
        """Return how many readers are not cut, over all processes."""
        return herd.STAYING * self.nodes if self.plan.users >= herd.FEWEST * self.nodes else 0

    def _herd(self) -> Herd:
        parts = (Returned(**report["returned"]) for report in self._reports.values() if report["returned"])
        told = [report["counts"]["retry_s"] for report in self._reports.values()]
        retry_s = max((one for one in told if one is not None), default=None)
        return Herd(
            cuts=self._cuts or [Cut(0.0, 0, self.total("failed"))],
            returned=sum(parts, Returned()),
            retry_s=USUAL_RETRY_S if retry_s is None else retry_s,
            told=retry_s is not None,
            stopped=self.total("stopped"),
            promised=bool(self.target.promises.resume) or self.target.profile == "task-progress",
        )

    def _follow(self, shape: Shape) -> None:
        """Have as many streams as the shape wants; at its end the last may take as long to open as any other."""
        self._begin(shape)
        self._hold(self._deadline, self._is_refusing)
        grace_s = self._deadline + self.target.limits.connect_s
        self._hold(grace_s, lambda: self.total("open") == shape.wanted(shape.duration_s) or self.total("failed") > 0)

    def _begin(self, shape: Shape) -> None:
        self._shaped_since = time.monotonic()
        self._around.tell({"do": "shape", "points": shape.points, "of": self.nodes})

    def _wanted_now(self) -> int:
        shape = self.plan.shape
        return shape.wanted(time.monotonic() - self._shaped_since) if shape and self._shaped_since else self.plan.users

    def _is_refusing(self) -> bool:
        """Whether none of the first streams could be opened; says why."""
        tried = self.total("failed") + self.counted("errors").total()
        if self.total("opened") or tried < MOST_REFUSED or self._is_told_to_wait():
            return False
        self._say_hopeless()
        return True

    def _is_told_to_wait(self) -> bool:
        """Whether the server has asked for time, and has not had it: who comes back then may be served."""
        longest_s: float = self._told_to_wait()["longest_s"]
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
        self._wait_for(lambda: self.total("open") == (self.plan.users if streams else 0))
        gevent.sleep(SETTLE_S)
        start_s = time.monotonic() - self._zero
        if streams:
            is_open = self.total("open")
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
