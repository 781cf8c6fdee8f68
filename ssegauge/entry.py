"""The console script: the command line, which can be interrupted from its first import on."""

from __future__ import annotations

from typing import NoReturn

from ssegauge import interrupts


def main() -> NoReturn:
    """Run the command line."""
    interrupts.listen()
    try:
        from ssegauge import cli

        cli.main()
    except KeyboardInterrupt:  # between two imports
        interrupts.leave()
