"""The hostile suite's option: where the figures of `make hostile` go."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def figures(pytestconfig: pytest.Config) -> Path:
    path = pytestconfig.rootpath / "build" / "hostile.jsonl"
    path.parent.mkdir(exist_ok=True)
    return path
