"""Every target file that stands beside a server of ours can be used as it is."""

from pathlib import Path

import pytest

from ssegauge.conformance.target import load_target

FILES = sorted((Path(__file__).parents[1] / "reference_server").rglob("ssegauge.toml"))


def test_each_server_has_one() -> None:
    assert len(FILES) == 5


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_it_describes_a_target_and_nothing_in_it_is_unused(path: Path) -> None:
    assert load_target(str(path)).unused == ()
