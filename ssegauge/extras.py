"""What a light install leaves out: which extra brings what a command needs, said in one line."""

import importlib.util

# What stands for an extra: where these can be found, the rest of it was installed with them.
PACKAGES = {"load": ("locust", "gevent", "httptools", "numpy", "pyarrow"), "report": ("pandas", "pyarrow")}


class NotInstalledError(ImportError):
    """A package of an extra is missing; the message is one line that says how to install it."""


def need(extra: str) -> None:
    """Raise NotInstalledError unless the packages of an extra can be imported; imports none of them."""
    if missing := next((name for name in PACKAGES[extra] if not _is_there(name)), None):
        raise NotInstalledError(f"{missing} is not installed, which this needs; pip install 'ssegauge[{extra}]'")


def _is_there(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ImportError:  # from a finder that forbids it
        return False
