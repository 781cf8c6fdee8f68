"""How the server's modules hang together: in layers, and the healthy ones know nothing of faults."""

import ast
import graphlib
from pathlib import Path

from ssegauge import reference_server

HERE = Path(reference_server.__file__).parent


def name_of(path: Path) -> str:
    parts = ("ssegauge.reference_server", *path.relative_to(HERE).with_suffix("").parts)
    return ".".join(parts).removesuffix(".__init__")


MODULES = {name_of(path): path for path in HERE.rglob("*.py")}


def imports(name: str) -> set[str]:
    """The modules of the server that this one imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(MODULES[name].read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {one if one in MODULES else one.rpartition(".")[0] for one in found} & {*MODULES}


def test_no_module_imports_itself_by_way_of_others() -> None:
    order = [*graphlib.TopologicalSorter({name: imports(name) for name in MODULES}).static_order()]
    places = [order.index(f"ssegauge.reference_server{part}") for part in (".app", ".faults", "")]
    assert places == sorted(places)


def test_only_the_entry_point_sees_faults() -> None:
    see = {name for name in MODULES if any(".faults" in seen for seen in imports(name))}
    assert {name for name in see if ".faults" not in name} == {"ssegauge.reference_server.server"}
