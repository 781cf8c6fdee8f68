"""Why a server cannot start."""


class CannotServe(Exception):  # noqa: N818 - part of the public interface
    """The server cannot start; the message is one line for the user."""
