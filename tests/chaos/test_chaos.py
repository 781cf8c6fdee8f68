"""Whatever befalls the server, the generator or ssegauge, a run ends in time, without a traceback, and not with 0.

`make chaos` plays all scenes and writes what came of them: docs/robustness.md.
"""

import json
from pathlib import Path

import pytest

from tests.chaos.scenes import SCENES
from tests.chaos.stage import play

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]


@pytest.mark.parametrize("name", SCENES)
def test_bears(name: str, tmp_path: Path, figures: Path) -> None:
    scene = SCENES[name]
    ended = play(scene.words, tmp_path, scene.befall, before=scene.before)
    row = {"scene": name, "status": ended.status, "seconds": round(ended.seconds, 1), "said": ended.said[-1500:]}
    with figures.open("a") as file:
        file.write(json.dumps(row) + "\n")
    assert "Traceback" not in ended.said, ended.said
    assert "defect of ssegauge" not in ended.said, ended.said
    assert ended.status in scene.status, ended.said
    assert scene.told in ended.said
