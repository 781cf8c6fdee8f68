"""Readers of a herd: they come in the same moment, are cut all at once, wave after wave, and come back."""

from __future__ import annotations

from typing import Final

from ssegauge.loadtests.judging import herd
from ssegauge.loadtests.judging.herd import USUAL_RETRY_S, Cut, Herd
from ssegauge.loadtests.running.conducting.lead import Lead
from ssegauge.loadtests.running.conducting.patience import READY_S

OPENING_PATIENCE: Final = 10.0  # times the limit: so long the last of a herd may take to come back


class Stampede:
    """See the module."""

    def __init__(self, lead: Lead) -> None:
        self._lead, self._reported, self._users = lead, lead.reported, lead.plan.users
        self._cuts: list[Cut] = []

    def let_come(self) -> None:
        """Have all open their streams in the same moment, once all are there."""
        self._lead.wait_for(lambda: self._reported.total("ready") >= self._users, READY_S)
        self._lead.tell("streams", wanted=True)

    def run(self) -> None:
        """Cut all streams at once, wave after wave; the last readers may take as long to come back as any to open."""
        lead = self._lead
        every_s = herd.every_s(lead.plan.duration_s)
        due_s = lead.since_s + every_s
        while due_s + every_s / 2 < lead.until_s and not lead.is_cut:
            lead.hold(due_s)
            self._note_cut()
            lead.tell("scatter", staying=self._staying() // lead.nodes)
            lead.refresh()
            due_s += every_s
        lead.hold(lead.until_s)
        lead.hold(lead.until_s + OPENING_PATIENCE * lead.target.limits.connect_s, self._are_back)
        self._note_cut()

    def herd(self) -> Herd:
        """Return what is known of the waves."""
        reported, target = self._reported, self._lead.target
        return Herd(
            cuts=self._cuts or [Cut(0.0, 0, reported.total("failed"))],
            returned=reported.returned,
            retry_s=USUAL_RETRY_S if reported.retry_s is None else reported.retry_s,
            told=reported.retry_s is not None,
            stopped=reported.total("stopped"),
            promised=bool(target.promises.resume) or target.profile == "task-progress",
        )

    def _are_back(self) -> bool:
        return self._reported.total("open") + self._reported.total("stopped") >= self._users

    def _note_cut(self) -> None:
        self._lead.refresh()
        is_open, failed = self._reported.total("open"), self._reported.total("failed")
        staying = min(self._staying(), is_open)
        self._cuts.append(Cut(self._lead.elapsed_s, is_open - staying, failed, staying))

    def _staying(self) -> int:
        """Return how many readers are not cut, over all processes."""
        nodes = self._lead.nodes
        return herd.STAYING * nodes if self._users >= herd.FEWEST * nodes else 0
