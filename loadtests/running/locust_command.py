"""Locust's own command, as `ssegauge load` runs it: nothing that stands in the current folder gets into it.

Locust puts that folder, and the locustfile's, before all libraries, and reads options from files there. A file of the
user's that is called as a library is would be run when the library is next imported.
"""

from __future__ import annotations

import sys
from pathlib import Path

from locust import LoadTestShape, User, argument_parser, main
from locust.util.load_locustfile import is_shape_class, is_user_class

from ssegauge.conformance import own_code
from ssegauge.conformance.errors import CannotJudge


def load(path: str) -> tuple[dict[str, type[User]], list[LoadTestShape]]:
    """Run a locustfile; return its users by their names, and its shapes, as Locust's own function does."""
    try:
        found = vars(own_code.run(Path(path), f"--scenario {path}"))
    except CannotJudge as error:
        sys.exit(f"ssegauge: {error}")
    users = {name: one for name, one in found.items() if is_user_class(one)}
    if not users:  # Locust would look for tests of pytest in it
        sys.exit(f"ssegauge: --scenario {path}: no user in it; write a class with SSEUser from ssegauge")
    return users, [one() for one in found.values() if is_shape_class(one)]


def run() -> None:
    """Run Locust."""
    main.load_locustfile = load  # type: ignore[attr-defined]
    argument_parser.get_parser.__defaults__ = ((),)  # no configuration files
    argument_parser.get_empty_argument_parser.__defaults__ = (True, ())
    main.main()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    run()
