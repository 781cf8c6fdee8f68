"""The run folder, on the writing side: the only thing that passes between runners and reports.

Documents are written whole or not at all (a temporary name, then a rename), and ``run.json`` says from the first
moment what is being run, so that a killed run can still be reported.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.recording.files import private
from ssegauge.conformance.recording.redaction import Redactor
from ssegauge.conformance.target import Target

SCHEMA = "ssegauge/run/1"
PACKAGES = ("aiohttp", "gevent", "httptools", "httpx", "locust", "numpy", "pandas", "pyarrow")
# What a run writes, and so what a later run in the same folder replaces.
FOLDERS = ("transcripts", "samples")
FILES = ("run.json", "conformance.json", "load.json", "report.html", "summary.md", "junit.xml")


# Keys of documents below which keys are others' words: a reason that a server gave, a field of a body.
OTHERS = frozenset({"drop_reasons", "headers", "json", "keep", "reasons"})
# Keys of documents under which only words of ours stand; a secret may be such a word, and reports look for them.
OURS = frozenset(
    {
        *("schema", "profile", "verdict", "rule", "group", "level", "kind", "title", "why", "mend"),
        *("source", "transcript", "known", "stale", "started", "finished"),
    }
)


class RunFolder:
    """One run's folder, open for writing; ``unwritten`` says why its reports could not be written, if so."""

    def __init__(self, path: Path, target: Target) -> None:
        self.path = path
        self.unwritten = ""
        self.redact = Redactor(target.secrets)
        self._run: dict[str, Any] = {"target": _described(target, self.redact)}

    @classmethod
    def create(cls, path: Path | None, target: Target, command: Sequence[str]) -> RunFolder:
        """Make the folder, by default a new one below ``runs``, and write ``run.json``.

        Raises CannotJudge when the place cannot be written, or holds something that is no run.
        """
        path = path or Path("runs") / datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
        try:
            path.mkdir(parents=True, exist_ok=True)
            _clear(path)
            path.chmod(0o700)
            folder = cls(path, target)
            folder._begin(command)
        except OSError as error:
            raise CannotJudge(f"--out {path}: {error.strerror or error}; choose a place that can be written") from None
        return folder

    def clean(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return a document without secrets."""
        clean: dict[str, Any] = self.redact.value(document, OURS, OTHERS)
        return clean

    def write(self, name: str, document: Mapping[str, Any]) -> Path:
        """Write a document, without secrets; raises CannotJudge when that cannot be, and leaves the older one."""
        path = self.path / name
        temporary = path.with_name(f".{name}.part")
        text = json.dumps(self.clean(document), indent=1, ensure_ascii=False) + "\n"
        try:
            temporary.unlink(missing_ok=True)
            with open(temporary, "wb", opener=private) as file:
                file.write(text.encode("utf-8", "backslashreplace"))
            temporary.replace(path)
        except OSError as error:
            with contextlib.suppress(OSError):
                temporary.unlink()
            kept = f"what was recorded until then is in {self.path}"
            raise CannotJudge(f"{path} cannot be written: {error.strerror or error}; {kept}") from None
        return path

    def finish(self, *, interrupted: bool = False) -> None:
        """Note in ``run.json`` that the run is over."""
        self._run.update(finished=_now(), interrupted=interrupted)
        self.write("run.json", self._run)

    def _begin(self, command: Sequence[str]) -> None:
        about = {"schema": SCHEMA, "ssegauge": _version("ssegauge"), "started": _now(), "finished": None}
        packages = {name: found for name in PACKAGES if (found := _version(name))}
        more = {"command": list(command), "machine": _machine(), "packages": packages, "commit": _commit()}
        self._run = {**about, **more, **self._run, "interrupted": False}
        self.write("run.json", self._run)


def _clear(path: Path) -> None:
    """Remove what an earlier run left; refuse a folder that is none of ours."""
    if not any(path.iterdir()):
        return
    if not (path / "run.json").is_file():
        raise CannotJudge(f"--out {path}: the folder is not empty and holds no run; choose another")
    for name in FILES:
        (path / name).unlink(missing_ok=True)
    for name in FOLDERS:
        shutil.rmtree(path / name, ignore_errors=True)


def _described(target: Target, redact: Redactor) -> dict[str, Any]:
    known = asdict(target)
    del known["secrets"]
    return {**redact.value(known, (), OTHERS), "profile": target.profile}


def _machine() -> dict[str, Any]:
    return {
        "platform": platform.platform(),
        "python": platform.python_version(),
        "cpus": os.cpu_count() or 1,
        "memory_bytes": psutil.virtual_memory().total,
        "kernel": platform.release(),
    }


def _commit() -> str | None:
    """Return the commit of the working directory, which is most often the server's own repository."""
    try:
        done = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True, timeout=5)  # noqa: S607 - git by PATH
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
