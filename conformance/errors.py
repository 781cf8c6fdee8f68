"""The one error that ends a run without a verdict."""

HELD = "the server, or a proxy that buffers, may hold the head until the first event: flush it, or switch buffering off"

UNTRUSTED = "give --cacert FILE or --insecure, or [tls] in the target file"


class CannotJudge(Exception):  # noqa: N818 - says what follows from it: no verdict, exit status 2
    """Nothing can be judged; the message is one line that names the place and the remedy."""
