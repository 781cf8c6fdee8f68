"""Standard streams that are closed or full change no verdict into another one, and nothing is written elsewhere."""

import shlex
import subprocess
from pathlib import Path

import pytest

from tests.cli.command import SSEGAUGE, environment

pytestmark = pytest.mark.chaos
BAD = b"data: \xff\n\n"  # exit status 1 where it can be told
CASES = {
    "judge seen >&-": 1,
    "judge seen <&- >&- 2>&-": 1,
    "judge seen >/dev/full": 2,
    "judge seen >/dev/full 2>/dev/full": 2,
    "judge seen 2>/dev/full": 1,
    "judge nothing 2>&-": 2,
    "judge nothing 2>/dev/full": 2,
    "judge seen | head -c 1": 1,
}


@pytest.mark.parametrize("line", CASES)
def test_the_exit_status_is_that_of_the_verdict(line: str, tmp_path: Path) -> None:
    (tmp_path / "seen").write_bytes(BAD)
    command = f"set -o pipefail; {shlex.join(SSEGAUGE)} {line}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, env=environment(), capture_output=True, timeout=110, check=False
    )
    assert done.returncode == CASES[line], done
    assert b"Traceback" not in done.stderr
    assert (tmp_path / "seen").read_bytes() == BAD
