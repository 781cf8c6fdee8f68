"""Files of a run: readable by their owner alone; a full disk ends their writing, but not the run, and is told."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from ssegauge.conformance.recording.redaction import Redactor, RowWriter


def private(path: str, flags: int) -> int:
    """Open a file that its owner alone may read, as ``open``'s opener."""
    return os.open(path, flags, 0o600)


@dataclass
class Disk:
    """The folder where transcripts are written; None: nowhere. ``failed`` says why not all of them are there."""

    folder: Path | None
    redact: Redactor
    failed: str = ""

    def give_up(self, error: OSError) -> None:
        """Write nothing more: a disk that is full would have a gap in every transcript."""
        self.failed = f"not all transcripts are in {self.folder}: {error.strerror or error}; give the run folder room"
        self.folder = None


class RowFile:
    """One transcript's file; a row is on disk when the next thing happens, unless a secret may begin at its end."""

    def __init__(self, disk: Disk, name: str) -> None:
        self._disk = disk
        self._writer = RowWriter(disk.redact)
        self._file: TextIO | None = None
        if disk.folder:
            try:
                disk.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                path = disk.folder / f"{name}.jsonl"
                self._file = open(path, "w", encoding="utf-8", buffering=1, opener=private)  # noqa: SIM115 - Path has no opener; closed in ``close``
            except OSError as error:
                disk.give_up(error)

    def write(self, row: Mapping[str, Any]) -> None:
        """Write a row."""
        if self._file and self._disk.folder:
            self._put(self._writer.take(row))

    def close(self) -> None:
        """Write what was held back, and close the file."""
        if self._file:
            self._put(self._writer.close())
            with contextlib.suppress(OSError):  # what could not be written is known by now
                self._file.close()

    def _put(self, text: str) -> None:
        try:
            if self._file and self._disk.folder and text:
                self._file.write(text)
        except OSError as error:
            self._disk.give_up(error)
