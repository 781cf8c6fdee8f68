"""A user's own Python file, run as a module: its rules, its locustfile.

It may import its neighbours. They come after all libraries: a file that is called as a library is must not be what
the library's other users get, ours among them, when they import it.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Final

from ssegauge.conformance.errors import CannotJudge

_NAME: Final = "ssegauge_own_"  # so that it hides no library either


def run(path: Path, where: str) -> ModuleType:
    """Run a file; return its module. Raises CannotJudge, which begins with ``where``, when it cannot be run."""
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.append(folder)
    try:
        return _run(path)
    except FileNotFoundError as error:
        if error.filename != str(path):
            raise CannotJudge(told(error, where)) from None
        raise CannotJudge(f"{where}: no such file") from None
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the owner's own code may do anything
        raise CannotJudge(told(error, where)) from None


def told(error: BaseException, where: str) -> str:
    """Return in one line what went wrong in the user's own code, and on which line of the file."""
    return f"{where}: {type(error).__name__}: {' '.join(str(error).split())}{_line(error)}"


def _run(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"{_NAME}{path.stem}", path)
    assert spec, "a location is given"
    module = importlib.util.module_from_spec(spec)
    code = compile(path.read_bytes(), str(path), "exec")  # by ourselves: nothing is written beside it
    sys.modules[spec.name] = module  # where dataclasses, and what else reads annotations, look for it
    exec(code, module.__dict__)  # noqa: S102 - the file that the owner named
    return module


def _line(error: BaseException) -> str:
    """Return where in the owner's file it went wrong: the innermost line of it."""
    trace, found = error.__traceback__, ""
    while trace:
        name = trace.tb_frame.f_globals.get("__name__", "")
        found = f" (line {trace.tb_lineno})" if name.startswith(_NAME) else found
        trace = trace.tb_next
    return found
