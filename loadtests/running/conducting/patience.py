"""How long a run waits for a server that lets nobody in: until every user has what it needs, or nobody will."""

from __future__ import annotations

from typing import Final

from ssegauge.loadtests.judging import health, summary
from ssegauge.loadtests.judging.answers import in_vain, unanswered
from ssegauge.loadtests.judging.remedies import with_remedy
from ssegauge.loadtests.running.conducting.lead import Lead

READY_S: Final = 30.0  # at most, until every user has its task
WAITED_S: Final = 10.0  # behind the time that a server asked for, in which it may ask once more
TRIES: Final = 3  # of a stream that is missing, a second apart, until nobody waits for it any more
MOST_REFUSED: Final = 5  # requests, when no user asks: from then on a server that answered none is given up


class Patience:
    """See the module; why it has ended is the run's complaint."""

    def __init__(self, lead: Lead) -> None:
        self._lead, self._reported, self._users = lead, lead.reported, lead.plan.users

    def users_are_ready(self) -> bool:
        """Wait until every user has what it needs; when none gets anywhere, the run is void."""
        self._lead.wait_for(lambda: self._is_ready() or self._is_short() or self._is_hopeless(), READY_S)
        if self._reported.total("opened"):
            return True
        self._say_hopeless()
        return False

    def asks_in_vain(self) -> bool:
        """Whether every one of the first requests has failed, or is answered in another form than asked; says why."""
        tally, errors = self._reported.tally, self._reported.counted("errors")
        tried = tally.failed + errors.total()
        if not tally.foreign and self._is_served(tried, max(self._users, MOST_REFUSED)):
            return False
        self._lead.complaint = in_vain(tally) or unanswered(tally.failures + errors, tally.told_to_wait_s)
        return True

    def is_refusing(self) -> bool:
        """Whether none of the first streams could be opened; says why."""
        if self._is_served(self._tried(), MOST_REFUSED):
            return False
        self._say_hopeless()
        return True

    def _is_served(self, tried: int, most: int) -> bool:
        """Whether a stream is open, or may yet be, after so many attempts that failed."""
        return self._reported.total("opened") > 0 or tried < most or self._is_told_to_wait()

    def _is_ready(self) -> bool:
        return self._reported.total("opened") >= self._users

    def _is_short(self) -> bool:
        """Whether streams that are missing have been refused again and again: the run goes on with the others."""
        opened, failed = self._reported.total("opened"), self._reported.total("failed")
        missing = self._users - opened
        return opened > 0 and failed >= TRIES * missing > 0 and not self._is_told_to_wait()

    def _is_hopeless(self) -> bool:
        return not self._is_served(self._tried(), self._users)

    def _tried(self) -> int:
        return self._reported.total("failed") + self._reported.counted("errors").total()

    def _is_told_to_wait(self) -> bool:
        """Whether the server has asked for time, and has not had it: who comes back then may be served."""
        longest_s = self._reported.longest_wait_s
        return longest_s > 0 and self._lead.elapsed_s < longest_s + WAITED_S

    def _say_hopeless(self) -> None:
        failures = self._reported.counted("failures")
        why = summary.reasons(failures + self._reported.counted("errors")) or f"nothing happened within {READY_S:.0f} s"
        told = with_remedy(why, "base_url, stream.path and the hooks")
        self._lead.complaint = health.own_limit(failures) or f"no stream could be opened: {told}"
