"""What can go wrong when a run folder is read: one exception, whose message is one line for a person."""


class BadRunFolder(Exception):  # noqa: N818 - a public name; it says what is wrong, as FileNotFoundError does
    """The folder is missing, holds no run, or a file in it breaks its schema.

    ``str(error)`` is one line that names the file and the place in it, and says what to do.
    """
