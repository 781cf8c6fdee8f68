"""The chaos suite's option: where the figures of `make chaos` go."""

from pathlib import Path

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the long part unless it is asked for with `-m chaos`."""
    if "chaos" not in (config.getoption("-m") or ""):
        long = [item for item in items if item.get_closest_marker("chaos")]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


@pytest.fixture(scope="session")
def figures(pytestconfig: pytest.Config) -> Path:
    path = pytestconfig.rootpath / "build" / "chaos.jsonl"
    path.parent.mkdir(exist_ok=True)
    return path
