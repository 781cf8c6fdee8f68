"""Small healthy servers that show how a profile is done, and deliberate faults of each to test testers with.

`serve` runs one until SIGTERM or SIGINT; `start` runs it inside an event loop. `TARGET_FILE` describes the server of
the ticket with every hook, at its usual port; `feed.TARGET_FILE` the feed.
"""

from pathlib import Path

from ssegauge.reference_server.common.errors import CannotServe
from ssegauge.reference_server.server import PROFILES, Profile, faults_of, serve, start

TARGET_FILE = Path(__file__).with_name("ssegauge.toml")

__all__ = ["PROFILES", "TARGET_FILE", "CannotServe", "Profile", "faults_of", "serve", "start"]
