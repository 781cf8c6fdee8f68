"""Writes the reports of a run folder: reads it once, computes the figures, renders, replaces the files whole."""

import contextlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ssegauge.reports.errors import BadRunFolder
from ssegauge.reports.folder import RunFolder, open_run, shown
from ssegauge.reports.values import Figures
from ssegauge.reports.verdict import overall

TO_READ_SAMPLES = "pip install 'ssegauge[report]', then `ssegauge report DIR`"


@dataclass(frozen=True, slots=True)
class Built:
    """The files that were written, and the run's verdict: pass, fail or could_not_judge."""

    html: Path
    markdown: Path
    junit: Path
    verdict: str
    unreadable: Sequence[str] = ()  # parts of the samples that were left out


def build(run_dir: Path, *, whole: bool = True) -> Built:
    """Write report.html, summary.md and junit.xml into a run folder.

    Args:
        run_dir: the run folder.
        whole: what the run measured belongs to it; without the libraries that read samples it is otherwise left out,
            and the report says so.

    Raises:
        BadRunFolder: there is no run in the folder, a document breaks its schema, it cannot be written to, or
            (`whole`) it has samples and the libraries to read them are missing.
    """
    from ssegauge.reports.exchanges import exchanges
    from ssegauge.reports.render.html import html
    from ssegauge.reports.render.junit import junit
    from ssegauge.reports.render.markdown import markdown

    folder = open_run(run_dir)
    figures = _figures(folder)
    if whole and figures.unread:
        raise BadRunFolder(f"{shown(run_dir)}: {figures.unread}")
    return Built(
        html=_replace(run_dir / "report.html", html(folder, figures, exchanges(folder))),
        markdown=_replace(run_dir / "summary.md", markdown(folder, figures.latencies)),
        junit=_replace(run_dir / "junit.xml", junit(folder)),
        verdict=overall(folder),
        unreadable=figures.unreadable,
    )


def write_junit(run_dir: Path, path: Path) -> Path:
    """Write a run's JUnit XML to any place; raises `BadRunFolder` as `build` does."""
    from ssegauge.reports.render.junit import junit

    return _replace(path, junit(open_run(run_dir)))


def write_sarif(run_dir: Path, path: Path) -> Path:
    """Write a run's findings as SARIF 2.1.0 to any place; raises `BadRunFolder` as `build` does."""
    from ssegauge.reports.render.sarif import sarif

    return _replace(path, json.dumps(sarif(open_run(run_dir)), indent=2) + "\n")


def _figures(folder: RunFolder) -> Figures:
    """Compute what the samples show; a run without samples needs none of the libraries that read them."""
    samples = folder.path / "samples"
    if not samples.is_dir():
        return Figures()
    try:
        from ssegauge.reports.figures import compute
        from ssegauge.reports.frames import read_samples
    except ModuleNotFoundError as error:
        return Figures(unread=f"the samples are not shown: {error.name} is not installed; {TO_READ_SAMPLES}")
    return compute(read_samples(samples), folder.load)


def export(run_dir: Path, form: str) -> list[Path]:
    """Write a run's frames as csv, parquet or json into the folder `tables` of the run folder; return the files.

    Raises:
        BadRunFolder: the run cannot be read whole, the folder not written to, or a library is missing.
    """
    try:
        from ssegauge.reports import export, tables
    except ModuleNotFoundError as error:
        raise BadRunFolder(f"{error.name} is not installed, which this needs; {TO_READ_SAMPLES}") from None
    try:
        return export.FORMS[form](tables.load(run_dir), run_dir / "tables")
    except OSError as error:
        raise BadRunFolder(f"{shown(run_dir / 'tables')}: cannot be written ({error.strerror})") from error


def _replace(path: Path, text: str) -> Path:
    """Write a file whole or not at all, so that an interrupted report leaves the former one; for its owner alone.

    What is no plain file, as /dev/stdout, is written into and never replaced.
    """
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        if path.is_symlink() or (path.exists() and not path.is_file()):
            path.write_text(text, "utf-8")
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.unlink(missing_ok=True)
        with open(unfinished, "x", encoding="utf-8", opener=_private) as file:
            file.write(text)
        unfinished.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise BadRunFolder(f"{shown(path)}: cannot be written ({error.strerror}); give another place") from error
    return path


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
