"""Every target file that stands beside a server of ours can be used as it is."""

from pathlib import Path

import pytest

from ssegauge.conformance.target import load_target

ROOT = Path(__file__).parents[1]
SERVERS = sorted((ROOT / "reference_server").rglob("ssegauge.toml"))
EXAMPLES = sorted((ROOT / "examples").glob("*/ssegauge.toml"))


def test_each_server_has_one() -> None:
    assert len(SERVERS) == 5
    assert len(EXAMPLES) == 3


@pytest.mark.parametrize("path", [*SERVERS, *EXAMPLES], ids=lambda path: path.parent.name)
def test_it_describes_a_target_and_nothing_in_it_is_unused(path: Path) -> None:
    assert load_target(str(path), environ={"PASSWORD": "secret"}).unused == ()
