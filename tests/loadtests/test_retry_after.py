"""For how long a server wants to be left alone, in every form that RFC 9110 has, and in some that nobody has."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from ssegauge.conformance.target import Tls
from ssegauge.loadtests.stream.connection import resolve
from ssegauge.loadtests.stream.retry_after import LONGEST_WAIT_S, Wait, wait_of
from ssegauge.loadtests.stream.session import Counts
from ssegauge.loadtests.stream.stream import EventStream, StreamFailed
from tests.loadtests.servers import PATIENCE, reply, scripted

NOON = "Fri, 27 Nov 2026 12:00:00 GMT"
NOON_S = 1_795_780_800.0


@pytest.mark.parametrize(
    ("field", "wanted_s"),
    [
        ("0", 0.0),
        (" 7 ", 7.0),
        ("Fri, 27 Nov 2026 12:00:09 GMT", 9.0),
        ("Friday, 27-Nov-26 12:00:09 GMT", 9.0),
        ("Fri Nov 27 12:00:09 2026", 9.0),
        ("Fri, 27 Nov 2026 11:00:00 GMT", 0.0),  # over
    ],
)
def test_every_form_of_the_standard_is_read(field: str, wanted_s: float) -> None:
    assert wait_of(field, "", NOON_S) == Wait(wanted_s, wanted_s)


@pytest.mark.parametrize("field", ["120", "999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_nobody_waits_for_longer_than_a_minute(field: str) -> None:
    found = wait_of(field, "", NOON_S)
    assert found
    assert found.kept_s == LONGEST_WAIT_S
    assert found.is_shortened


@pytest.mark.parametrize(
    "field",
    [
        *("", "-5", "+5", "5.0", "1e3", "٣", "soon", "9" * 5000, "Fri, 99 Nov 2026 12:00:00 GMT", "\0", "inf", "nan"),
        *("Fri, 31 Dec 99999 23:59:59 GMT", "Fri, 27 Nov 2026 12:00:00 +9999999999", "27 Nov", ", , ,", "(" * 60),
    ],
)
def test_nonsense_says_nothing(field: str) -> None:
    assert wait_of(field, NOON, NOON_S) is None


def test_a_date_counts_from_the_servers_own_clock_where_it_tells_it() -> None:
    later = "Fri, 27 Nov 2026 12:00:20 GMT"
    assert wait_of(later, NOON, NOON_S + 3600) == Wait(20.0, 20.0)
    assert wait_of(later, "yesterday", NOON_S + 5) == Wait(15.0, 15.0)


def test_a_refusal_has_what_its_date_says() -> None:
    ahead_s = int(time.time()) + 86_400  # a clock that is a day ahead
    date, later = formatdate(ahead_s, usegmt=True), formatdate(ahead_s + 12, usegmt=True)
    refusal = reply(b"", "503 Busy", f"Date: {date}\r\nRetry-After: {later}\r\n".encode())
    with scripted(lambda connection, _: connection.sendall(refusal)) as url:
        stream = EventStream(resolve(url, Tls()), "/")
        with pytest.raises(StreamFailed, match="status 503") as failed:
            stream.open(PATIENCE)
    assert (failed.value.status, failed.value.retry_after_s) == (503, 12.0)
    counts = Counts()
    counts.told_to_wait(failed.value.wait)
    counts.told_to_wait(Wait(90.0, 60.0))
    counts.told_to_wait(None)
    assert (counts.refusals_to_wait, counts.longest_wait_s, counts.shortened_waits) == (2, 90.0, 1)
