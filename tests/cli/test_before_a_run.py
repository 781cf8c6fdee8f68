"""What is said where a run came to nothing: no folder is named that is empty, and no page that nobody serves."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from ssegauge.cli.work import run_folder, say_before_load
from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.target import from_url
from ssegauge.loadtests.running.cli import Options


@pytest.mark.parametrize("measured", [True, False])
def test_ctrl_c_says_whether_anything_was_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], *, measured: bool
) -> None:
    def stopped() -> None:
        with run_folder(from_url("http://127.0.0.1:1/"), tmp_path / "run") as folder:
            if measured:
                (folder.path / "samples").mkdir()
                (folder.path / "samples" / "part-1.parquet").touch()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    told = " ".join(capsys.readouterr().err.split())
    assert ("What was measured so far is in" in told) is measured
    assert ("Nothing was measured yet" in told) is not measured


def test_a_page_whose_port_is_taken_is_not_announced(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotJudge, match=f"--web-port {port}: cannot listen there"):
            say_before_load(Options(web=True, web_port=port), quiet=False)
    assert capsys.readouterr().err == ""
