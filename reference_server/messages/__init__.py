"""A small healthy server of the Messages API: made-up text (`../generation`) in the wire form of that API.

`TARGET_FILE` describes the server at the usual port.
"""

from pathlib import Path

TARGET_FILE = Path(__file__).with_name("ssegauge.toml")

__all__ = ["TARGET_FILE"]
