"""The directions of imports, as ARCHITECTURE.md gives them: what each part may see of the rest."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("conformance", "loadtests", "reports", "reference_server", "ssegauge")

PROFILES = [f"conformance.profiles.{path.parent.name}" for path in (ROOT / "conformance/profiles").glob("*/levels.py")]

# Part -> what else of the project it may import. The longest matching name counts.
SEEN = [
    "conformance.facts",
    "conformance.jsontext",
    "conformance.seen",
    "conformance.sse",
    "conformance.target",
    "conformance.words",
]
LOAD = ["loadtests.judging", "loadtests.driving", "loadtests.stream", "loadtests.measuring"]
MAY_SEE = {
    "conformance.sse": ["conformance.sse"],
    "conformance.facts": [],
    "conformance.recording.transcript": ["conformance.errors", "conformance.facts", "conformance.credentials"],
    "conformance.target": [f"conformance.{name}" for name in ("errors", "credentials", "jsontext", "target")],
    "conformance.credentials": [],
    "conformance.errors": [],
    "conformance.seen.coding": [],
    "conformance.seen": [*SEEN, "conformance.recording.transcript"],
    "conformance.words": [],
    "conformance.jsontext": [],
    "conformance.rules": ["conformance.rules", *SEEN],
    **{room: [room, "conformance.rules", "conformance.probes", "conformance.recording", *SEEN] for room in PROFILES},
    **{f"{room}.rules": [room, "conformance.rules", *SEEN] for room in PROFILES},
    "conformance.judge": [
        *("conformance.rules", "conformance.catalogue", "conformance.seen", "conformance.target"),
        *("conformance.recording.transcript", "conformance.unread"),
    ],
    "conformance": ["conformance"],
    "loadtests": ["loadtests", "conformance"],
    "loadtests.running": ["conformance", *LOAD, "loadtests.running"],
    "loadtests.judging": ["conformance", "loadtests.measuring", "loadtests.stream", "loadtests.judging"],
    "loadtests.driving": ["conformance", "loadtests.measuring", "loadtests.stream", "loadtests.driving"],
    "loadtests.stream": ["conformance", "loadtests.measuring", "loadtests.stream"],
    "loadtests.measuring": ["conformance", "loadtests.measuring"],
    "reports": ["reports"],
    "reference_server": ["reference_server"],
    "ssegauge": ["ssegauge", "conformance", "loadtests", "reports", "reference_server"],
}
# ... and what it may not import although the line above allows it, or although it is a library.
MUST_NOT_SEE = {
    "conformance.rules": ["asyncio", "socket", "pytest", "locust", "gevent"],
    **{f"{room}.rules": ["asyncio", "socket", "pytest", "locust", "gevent"] for room in PROFILES},
    "conformance.judge": ["asyncio", "socket", "httpx", "pytest"],
    "conformance.unread": ["asyncio", "socket", "httpx", "pytest"],
    "conformance.seen": ["asyncio", "socket", "httpx", "pytest"],
    "conformance": ["locust", "gevent"],
    "loadtests": [
        *("conformance.recording.server", "conformance.recording.live", "conformance.play", "conformance.probes"),
        "pytest",
    ],
    "loadtests.running.cli": ["locust", "gevent"],
    "loadtests.judging": ["locust", "gevent", "socket", "pytest"],
    "reports": ["locust", "gevent", "httpx", "aiohttp"],
    "reference_server": ["httpx", "httpx_sse", "locust"],
}


def modules() -> Iterator[tuple[str, Path]]:
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


MODULES = dict(modules())


def imports(path: Path) -> set[str]:
    """Return what a module imports; the rooms of the house by the names of their folders."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {_room(alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module
            found |= {_room(f"{node.module}.{alias.name}") for alias in node.names}
    return found


def _room(name: str) -> str:
    inner = name.removeprefix("ssegauge.")
    return inner if inner.partition(".")[0] in PACKAGES else name


def test_nobody_imports_a_room_by_the_name_of_its_folder() -> None:
    """Installed, the distribution takes one import name; the folders' names belong to the user's own project."""
    bare = re.compile(r"^\s*(?:from|import) (?:conformance|loadtests|reports|reference_server)\b", re.MULTILINE)
    everything = (*MODULES.values(), *(ROOT / "tests").rglob("*.py"))
    assert [str(path) for path in everything if bare.search(path.read_text(encoding="utf-8"))] == []


def within(name: str, part: str) -> bool:
    return name == part or name.startswith(f"{part}.")


def most_special(name: str, table: dict[str, list[str]]) -> list[str]:
    parts = [part for part in table if within(name, part)]
    return table[max(parts, key=len)] if parts else []


@pytest.mark.parametrize("name", MODULES)
def test_a_module_sees_only_what_it_may(name: str) -> None:
    of_project = {seen for seen in imports(MODULES[name]) if seen.partition(".")[0] in PACKAGES}
    allowed = most_special(name, MAY_SEE)
    assert sorted(seen for seen in of_project if not any(within(seen, part) for part in allowed)) == []


@pytest.mark.parametrize("name", MODULES)
def test_a_module_keeps_clear_of_what_it_must_not_see(name: str) -> None:
    forbidden = [part for area, parts in MUST_NOT_SEE.items() if within(name, area) for part in parts]
    assert sorted(seen for seen in imports(MODULES[name]) if any(within(seen, part) for part in forbidden)) == []


@pytest.mark.parametrize("name", [name for name in MODULES if within(name, "conformance.sse")])
def test_the_decoder_needs_the_standard_library_alone(name: str) -> None:
    libraries = {seen.partition(".")[0] for seen in imports(MODULES[name])} - {"conformance"}
    assert libraries <= set(sys.stdlib_module_names)


@pytest.mark.parametrize("name", [name for name in MODULES if not within(name, "reference_server")])
def test_nobody_but_the_command_line_sees_the_reference_server(name: str) -> None:
    if not within(name, "ssegauge"):
        assert not any(within(seen, "reference_server") for seen in imports(MODULES[name]))
