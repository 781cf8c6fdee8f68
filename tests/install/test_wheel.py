"""The wheel as a user has it: what it holds, and that it stands beside a project with packages named like our folders.

It is installed into an environment of its own; what it depends on is lent from the environment of the tests.
"""

import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.cli.command import ROOT, environment

ROOMS = ("conformance", "loadtests", "reports", "reference_server")
PARTS = ("ssegauge", *ROOMS, "pyproject.toml", "setup.py", "README.md", "LICENSE")
PATIENCE_S = 100


def run(*words: str | Path, cwd: Path) -> str:
    """Run a command; return what it prints, which the failure shows when it does not succeed."""
    line = [str(word) for word in words]
    done = subprocess.run(
        line, cwd=cwd, env=environment(), text=True, capture_output=True, timeout=PATIENCE_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy: builds leave things behind."""
    place = tmp_path_factory.mktemp("wheel")
    leave = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, place / part, **({"ignore": leave} if copy is shutil.copytree else {}))
    offline = ("--no-deps", "--no-index", "--no-build-isolation", "--quiet")
    run(sys.executable, "-m", "pip", "wheel", *offline, "--wheel-dir", "dist", ".", cwd=place)
    (made,) = (place / "dist").glob("ssegauge-*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of a fresh environment with the wheel in it."""
    place = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", place, cwd=place)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = place / "lib" / version / "site-packages"
    python = place / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", "--quiet")
    run(*pip, wheel, cwd=place)
    # A path in a .pth file lends packages, but none of the .pth files beside them: not our editable install.
    (site / "lent.pth").write_text(sysconfig.get_path("purelib"))
    return place / "bin"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of somebody else, whose packages have the names of our folders."""
    for room in ROOMS:
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").write_text(f"WHOSE = 'theirs: {room}'\n")
    theirs = "\n".join(f"    assert {room}.WHOSE == 'theirs: {room}'" for room in ROOMS)
    (tmp_path / "test_theirs.py").write_text(
        f"import {', '.join(ROOMS)}\nimport ssegauge\n\ndef test_theirs():\n{theirs}\n"
        "    assert ssegauge.Target.__module__.startswith('ssegauge.conformance.')\n"
        "    assert 'lib' in ssegauge.__file__\n"
    )
    (tmp_path / "locustfile.py").write_text(
        "from ssegauge import SSEUser\nfrom loadtests import WHOSE\n\n"
        "assert WHOSE == 'theirs: loadtests'\nclass Reader(SSEUser):\n    pass\n"
    )
    return tmp_path


def test_the_wheel_takes_one_name(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.partition("/")[0] for name in names}
    assert "ssegauge" in tops
    assert [top for top in tops - {"ssegauge"} if not top.endswith(".dist-info")] == []


def test_the_wheel_holds_every_file_of_the_rooms(wheel: Path) -> None:
    """What stands in a room is in the wheel, below the one name; also what is no Python."""
    files = [path.relative_to(ROOT) for room in ("ssegauge", *ROOMS) for path in (ROOT / room).rglob("*.*")]
    kept = [path.as_posix() for path in files if "__pycache__" not in path.parts and (ROOT / path).is_file()]
    wanted = {name if name.startswith("ssegauge/") else f"ssegauge/{name}" for name in kept}
    held = set(zipfile.ZipFile(wheel).namelist())
    assert wanted - held == set()
    assert {name for name in held if name.startswith("ssegauge/")} - wanted == set()


def test_their_pytest_runs_with_ours_installed(installed: Path, project: Path) -> None:
    assert "1 passed" in run(installed / "python", "-m", "pytest", "-q", cwd=project)


def test_our_tests_are_found_from_their_project(installed: Path, project: Path) -> None:
    listed = run(
        installed / "python", "-m", "pytest", "-q", "--collect-only", "--pyargs", "ssegauge.conformance", cwd=project
    )
    assert "[wire/field-case]" in listed


def test_their_locustfile_uses_ours_beside_their_own(installed: Path, project: Path) -> None:
    assert "Reader" in run(installed / "python", "-m", "locust", "-f", "locustfile.py", "--list", cwd=project)


def test_the_console_script_runs_in_their_project(installed: Path, project: Path) -> None:
    assert "  field-case " in run(installed / "ssegauge", "rules", cwd=project)
    assert "wire/field-case" in run(installed / "ssegauge", "rules", "wire/field-case", cwd=project)


def test_the_public_names_stay(installed: Path, project: Path) -> None:
    code = "from ssegauge import SSEUser, check, Target, main; print(SSEUser.__module__)"
    assert run(installed / "python", "-c", code, cwd=project).startswith("ssegauge.loadtests.")
