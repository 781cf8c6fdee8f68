"""Texts from users that break out of their event."""

import re

from ssegauge.reference_server.common.encoding import Encoder, Json

# code -> (escapes in JSON text, what is written instead): the character itself; or, for what Python's `splitlines`
# takes for line ends, a new data line, which tears the JSON text
RAW = {
    "lf": (r"(?<!\\r)\\n", "\n"),
    "cr": (r"\\r(?!\\n)", "\r"),
    "crlf": (r"\\r\\n", "\r\n"),
    "separator": (r"\\u2028|\\u2029|\\u0085", "\ndata: "),
    "nul": (r"\\u0000", "\0"),
    "quote": (r"\\\"", '"'),
}


def unescaping(encoder: type[Encoder], code: str) -> type[Encoder]:
    """Return the encoder that does not escape what the code names."""
    pattern, written = RAW[code]
    escapes = re.compile(rf"\\\\|({pattern})")  # an escaped backslash is passed over whole

    class Unescaping(encoder):  # type: ignore[misc, valid-type] # a base that is chosen by the caller
        def dump(self, envelope: Json) -> str:
            return escapes.sub(lambda match: written if match[1] else match[0], super().dump(envelope))

    Unescaping.__doc__ = f"Lets {code.upper()} in texts from users break out of their event."
    return Unescaping
