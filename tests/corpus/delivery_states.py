"""Streams of states, and streams that only look like one: what is late on them."""

from tests.corpus import delivery
from tests.corpus.build import Case
from tests.corpus.delivery_complete import GREETED, SENT, STATES, feed

LATE = delivery.CASES["delivery/update-late"]
LEFT_SOON = feed(*STATES, ended_at=4600.0)  # after a time in which updates are late, but not lost

CASES = {
    "delivery/update-late": Case(
        good=(*LATE.good, (*SENT, LEFT_SOON, *GREETED)),
        bad=(*LATE.bad, (*SENT, LEFT_SOON), (*SENT, feed(STATES[0], ended_at=4600.0), *GREETED)),
        silent=LATE.silent,
    ),
}
