"""Every rule of language-model streams is proven by a server that breaks it, and the healthy ones set off none.

These faults show in one stream, or in one refusal, so they are looked at in this process and without any pace;
`make matrix` plays all probes against all of them.
"""

from collections.abc import Mapping
from typing import Any

import pytest

from ssegauge.reference_server import PROFILES
from tests.matrix import Row, checked_here, rows

OF_ALL = ("wire/", "end/without-any-event")  # faults that the chat server has too, and shows
ROWS = [
    row
    for server in PROFILES
    for row in rows(server)
    if row.is_of_generations and not (row.takes_time or row.code.startswith(OF_ALL))
]
SHOWN: Mapping[str, Mapping[str, Any]] = {"chat/retry-after-missing": {"slots": 1, "pace": 0.02}}


@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_the_fault_is_caught_by_its_rule(row: Row) -> None:
    assert row.code in await checked_here(row, **SHOWN.get(row.code, {}))


@pytest.mark.parametrize("server", sorted({row.server for row in ROWS}))
async def test_the_healthy_server_sets_off_none(server: Any) -> None:
    assert await checked_here(Row(server)) == {}
