"""Whatever befalls the server, the generator or ssegauge, a run ends in time, without a traceback, and not with 0.

`make chaos` plays all scenes and writes what came of them: docs/robustness.md.
"""

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.scenes import SCENES, Scene
from tests.chaos.stage import play

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]


@pytest.mark.parametrize("name", SCENES)
def test_bears(name: str, tmp_path: Path, figures: Path) -> None:
    scene = SCENES[name]
    with small_disk(tmp_path / "run", scene.room_kib) if scene.room_kib else contextlib.nullcontext():
        bear(name, scene, tmp_path, figures)


def bear(name: str, scene: Scene, tmp_path: Path, figures: Path) -> None:
    ended = play(scene.words, tmp_path, scene.befall, before=scene.before)
    row = {"scene": name, "status": ended.status, "seconds": round(ended.seconds, 1), "said": ended.said[-1500:]}
    with figures.open("a") as file:
        file.write(json.dumps(row) + "\n")
    assert "Traceback" not in ended.said, ended.said
    assert "defect of ssegauge" not in ended.said, ended.said
    assert ended.status in scene.status, ended.said
    assert scene.told in ended.said
    if scene.room_kib > 4:
        assert json.loads((tmp_path / "run" / "run.json").read_text())["started"]


@contextlib.contextmanager
def small_disk(place: Path, room_kib: int) -> Iterator[None]:
    """Put a file system of so many KiB at a place; that is root's to do."""
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={room_kib}k,mode=700", "none", str(place)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small disk; test_outside.py limits the size of files instead")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)
