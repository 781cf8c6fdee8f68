"""Leads a run: gathers what nodes report, says what goes on, and concludes.

There is one conductor a run, in the process that runs alone or in the master. It gives orders to every node
through ``tell``, takes their reports through ``take``, writes the samples each second and load.json at the
end. When streams are wanted, when updates are driven, and when it is over: see ``course``.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from ssegauge.conformance.recording.files import private
from ssegauge.conformance.recording.redaction import Redactor, dump_rows
from ssegauge.conformance.runfolder import RunFolder
from ssegauge.conformance.target import Target
from ssegauge.loadtests.judging import summary, under_load
from ssegauge.loadtests.judging.answers import Requests, in_vain
from ssegauge.loadtests.judging.facts import Facts
from ssegauge.loadtests.judging.guard import Guard
from ssegauge.loadtests.judging.objectives import Objective
from ssegauge.loadtests.measuring import samples
from ssegauge.loadtests.measuring.generator import cpu_s
from ssegauge.loadtests.measuring.samples import FIRST_EVENT, FIRST_TOKEN, UPDATE, Rows
from ssegauge.loadtests.running.conducting.course import Course
from ssegauge.loadtests.running.conducting.intake import Intake
from ssegauge.loadtests.running.conducting.lead import Lead, Nodes, Plan
from ssegauge.loadtests.running.orders import Orders

FLUSH_S: Final = 1.0


class Conductor:
    """See the module. ``rows`` are its own samples, ``reported`` is what nodes have told."""

    def __init__(self, plan: Plan, target: Target, around: Nodes) -> None:
        self.plan, self.target, self._around = plan, target, around
        self.rows = Rows()
        self._started = datetime.now(UTC)
        self._lead = Lead(plan, target, around)
        self.reported = self._lead.reported
        self._intake = Intake(plan.out, self._started.timestamp() * 1e3, _timed(plan, target))
        self._course = Course(self._lead, self.rows, self._write_all)
        self._guard = Guard(plan.abort_on)
        self._aborted: Objective | None = None

    def conduct(self, nodes: int) -> None:
        """Lead the run of so many nodes from when all users are there to its end; returns when its time is up."""
        self._lead.nodes = nodes
        self._course.run()

    def finish(self) -> None:
        """Let everything outstanding arrive and end what was opened; returns when the nodes have."""
        self._lead.end()
        self._lead.stage = "waiting for what is outstanding"
        self._lead.tell("drain")

    def complain(self, why: str) -> None:
        """Take why nothing can be judged."""
        self._lead.complaint = why

    def take(self, node: str, report: Mapping[str, Any]) -> samples.Floats:
        """Take a node's report; return its rows."""
        self.reported.take(node, report)
        return self._guarded(self._intake.take(node, report))

    def take_own(self) -> samples.Floats:
        """Take the conductor's own rows, those of the pings; return them."""
        return self._guarded(self._intake.keep(samples.matrix(self.rows.take())))

    def flush(self) -> None:
        """Write what was reported, and say what goes on; where there is no room for it the run is over."""
        lead = self._lead
        lead.complaint = self._intake.write() or lead.complaint
        counts = {"failed": self.reported.total("failed"), "dropped": self.reported.total("dropped")}
        self._aborted = self._aborted or self._guard.broken(lead.elapsed_s, counts)
        lead.is_cut = self._intake.is_full or self._aborted is not None
        self._around.say(self.status())

    def status(self) -> dict[str, Any]:
        """Return what goes on, as plain values."""
        lead, reported, tally = self._lead, self.reported, self.reported.tally
        left_s = lead.left_s
        return {
            "stage": lead.stage,
            "elapsed_s": round(lead.elapsed_s, 1),
            "left_s": None if left_s is None else round(left_s, 1),
            "started": self._started.isoformat(timespec="microseconds"),
            "rate": self.plan.rate if self.plan.drives else None,
            "clock": reported.clock,
            "users": self._course.wanted_now,
            "open": reported.total("open"),
            "failed": reported.total("failed") + tally.failed,
            "dropped": reported.total("dropped") + tally.cut,
            "finished": tally.finished if self.plan.orders else None,
            "sent": reported.total("updates"),
            "refused": reported.total("refused"),
            **self._intake.figures(),
            "nodes_cpu_s": sum(reported.each("cpu_s")),
            "nodes_kib": sum(reported.each("resident_kib")),
            "leader_cpu_s": cpu_s(),
        }

    def conclude(self) -> dict[str, Any]:
        """Write the last rows and load.json; return the document."""
        self.flush()
        self._intake.merge()
        judged = under_load.merged(filter(None, self.reported.each("conformance")))
        transcripts = judged.pop("transcripts")
        self._write_transcripts({} if self._intake.is_full else transcripts)
        document = summary.summarize(self.plan.out, self.target, self._facts(judged))
        RunFolder(self.plan.out, self.target).write("load.json", document)
        self.reported.close()
        return document

    def _guarded(self, numbers: samples.Floats) -> samples.Floats:
        self._guard.take(time.monotonic(), numbers)
        return numbers

    def _write_all(self) -> None:
        self.take_own()
        self.flush()

    def _write_transcripts(self, transcripts: Mapping[str, Any]) -> None:
        folder = self.plan.out / "transcripts"
        redact = Redactor(self.target.secrets)
        for name, rows in transcripts.items():
            folder.mkdir(exist_ok=True, mode=0o700)
            with open(folder / f"{name}.jsonl", "w", encoding="utf-8", opener=private) as file:
                file.write(dump_rows(rows, redact))

    def _facts(self, judged: Mapping[str, Any]) -> Facts:
        lead, course, reported, tally = self._lead, self._course, self.reported, self.reported.tally
        return Facts(
            scenario=self.plan.scenario,
            started=self._started.isoformat(timespec="microseconds"),
            duration_s=lead.elapsed_s,
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
            held=course.phases.held,
            witnessed=reported.witnessed,
            left={how: reported.total(f"left_by_{how}") for how in ("fin", "rst")},
            ended=reported.ended,
            returned=reported.returned,
            checked=reported.total("checked"),
            checks=reported.counted("checks"),
            aborted=self._aborted,
            asked=self.plan.asked,
            requests=self._requests(self.plan.orders) if self.plan.orders else None,
            types=reported.types,
            herd=course.stampede.herd() if self.plan.herds else None,
            shape=self.plan.shape if course.shaped_since_s else None,
            shaped_since_s=course.shaped_since_s - lead.zero_s,
            phases=course.phases.told,
            ping_failures=course.phases.ping_failures,
            conformance=judged,
            complaint=lead.complaint or reported.own_fault or in_vain(tally),
        )

    def _requests(self, orders: Orders) -> Requests:
        arrivals = f"{orders.arrivals}" if orders.arrivals else ""
        return Requests(self.reported.tally, arrivals, orders.think_s)


def _timed(plan: Plan, target: Target) -> int:
    """Return the kind of sample that counts as latency."""
    if plan.orders:
        return FIRST_EVENT if target.promises.token is None else FIRST_TOKEN
    return UPDATE
