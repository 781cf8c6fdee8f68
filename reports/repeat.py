"""Commands that repeat what a finding saw: `ssegauge check ... --only RULE` or the same load, and curl's. Pure.

Nothing secret is in them: what the run's writer redacted stands as ``${NAME}``, in double quotes, so that the shell of
whoever repeats it fills it in. Everything else is quoted for a POSIX shell, whatever a server or a file said.
"""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ssegauge.reports.folder import Document

REDACTED = "[redacted]"
SECRET = "${SECRET}"  # noqa: S105 - a name for one
# Options that say what is asked and judged, and whether a value follows; the rest of a command is of no matter here.
TAKES_VALUE = {
    **dict.fromkeys(("--target", "--header", "-H", "--method", "-X", "--body", "--profile"), True),
    **dict.fromkeys(("--cacert", "--spawn", "--rules"), True),
    **dict.fromkeys(("--insecure", "-k", "--strict"), False),
}
OUTPUT = {**dict.fromkeys(("--out", "--junit", "--sarif"), True), **dict.fromkeys(("--quiet", "-q"), False)}
FLAGS = frozenset(["--quick", "--quiet", "-q", "--verbose", "-v", "--find-limit", "--web", "--master", "--worker"])
# curl's own, or made by it; what a transcript holds of them is ours.
OF_CURL = frozenset({"host", "user-agent", "content-length", "connection", "transfer-encoding"})
VERSIONS = {"HTTP/1.0": "--http1.0", "HTTP/2": "--http2"}
LONGEST_BODY = 2000


def check_command(rule: str, run: Document | None) -> str:
    """Return the command that judges the same server by this rule alone."""
    asked = list(_of_target(run["command"][1:])) if run else []
    return " ".join(["ssegauge check", *map(_word, asked), "--only", shlex.quote(rule)])


def load_command(run: Document | None) -> str:
    """Return the command that loads the same server in the same way, its output apart; empty where nobody knows it."""
    return " ".join(map(_word, _without_output(run["command"]))) if run else ""


def _without_output(command: Sequence[str]) -> Iterator[str]:
    words = iter(command)
    for word in words:
        name, equals, _ = word.partition("=")
        if name not in OUTPUT:
            yield word
        elif OUTPUT[name] and not equals:
            next(words, None)


def curl(request: Mapping[str, Any], head: Mapping[str, Any] | None = None) -> str:
    """Return curl's command for a request of a transcript; empty where its body is too long to be typed."""
    body = request["body"]
    if body is not None and len(body) > LONGEST_BODY:
        return ""
    words = ["curl -iN"]
    if version := VERSIONS.get(str((head or {}).get("http_version"))):
        words.append(version)
    if request["method"] != ("GET" if body is None else "POST"):
        words.append(f"-X {_word(request['method'])}")
    words += [f"-H {_field(*field)}" for field in request["headers"] if field[0].lower() not in OF_CURL]
    if body is not None:
        words.append(f"--data-raw {_word(body)}")
    return " ".join([*words, _word(request["url"])])


def _of_target(command: Sequence[str]) -> Iterator[str]:
    """Yield what a command line says of the target: after the command's name, a word that is no option's."""
    words = iter(command[1:])
    for word in words:
        name, equals, _ = word.partition("=")
        if name in TAKES_VALUE:
            yield word
            if TAKES_VALUE[name] and not equals:
                yield next(words, "")
        elif word.startswith(("{", "[{")):  # what follows --json
            yield from ("--json", word)
        elif not word.startswith("-"):
            yield word
        elif not (equals or word in FLAGS or word == "--json"):
            next(words, None)


def _field(name: str, value: str) -> str:
    if not value:
        return shlex.quote(f"{name};")  # curl's way to send an empty one
    return _word(f"{name}: {value}", "${" + re.sub(r"\W", "_", name.upper(), flags=re.ASCII) + "}")


def _word(text: str, secret: str = SECRET) -> str:
    """Return a word quoted for a shell, with what was redacted as a variable."""
    if REDACTED not in text:
        return shlex.quote(text)
    pieces = (re.sub(r'([\\"$`])', r"\\\1", piece) for piece in text.split(REDACTED))
    return f'"{secret.join(pieces)}"'
