"""The page on what a check does to a server is that of the probes."""

from pathlib import Path

import pytest

from ssegauge.conformance.catalogue import PROBES
from ssegauge.conformance.probes import Probe
from tests.what_check_does import page

DOCS = Path(__file__).parents[2] / "docs" / "what-check-does.md"


def test_the_page_is_that_of_the_probes() -> None:
    assert DOCS.read_text(encoding="utf-8") == page()  # python -m tests.what_check_does > docs/what-check-does.md


@pytest.mark.parametrize("one", PROBES, ids=lambda one: one.name)
def test_a_probe_says_what_it_does_and_asks_for_what_it_opens(one: Probe) -> None:
    assert one.does.endswith(".")
    assert 1 <= one.streams <= one.asks
