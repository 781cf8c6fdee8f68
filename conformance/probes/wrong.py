"""Credentials that are wrong and look right: of the same length and form, with other characters by chance.

None is made by a rule from the right one: what is written of a wrong one tells nothing of it.
"""

import base64
import binascii
import random
import re
import string

from ssegauge.conformance.probes.probe import credentials
from ssegauge.conformance.target import Target

CLASSES = (string.digits, string.ascii_lowercase, string.ascii_uppercase)
# What tells one sort of key from another, as in `sk-proj-...` and `ghp_...`: servers look at it first.
SORT = re.compile(r"(?:[A-Za-z]{2,8}[-_])*")
JWT = re.compile(r"(eyJ[\w-]+\.[\w-]+\.)([\w-]+)")
COOKIE = re.compile(r"([^=;\s]+=\"?)([^;\"]*)")


def wrong_credentials(target: Target) -> dict[str, str]:
    """Return the target's credentials with other characters, by header field; empty where some cannot be changed."""
    sent = {**target.headers, **target.stream.headers}
    found = {name: _of_field(name, sent[name]) for name in credentials(target)}
    return found if all(found[name] != sent[name] for name in found) else {}


def _of_field(name: str, value: str) -> str:
    if name.lower() == "cookie":
        return COOKIE.sub(lambda pair: pair[1] + _of_token(pair[2]), value)
    scheme, space, token = value.rpartition(" ")
    if " " in scheme or "," in value:  # parameters, as Digest has them
        return value
    return scheme + space + (_of_basic(token) if scheme.lower() == "basic" else _of_token(token))


def _of_basic(token: str) -> str:
    """Return it with another password for the same user."""
    try:
        user, colon, password = base64.b64decode(token, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return token
    return base64.b64encode(f"{user}{colon}{_other(password)}".encode()).decode()


def _of_token(token: str) -> str:
    """Return another of its sort; of a JWT, which says who it is for, the same with another signature."""
    if jwt := JWT.fullmatch(token):
        return jwt[1] + _other(jwt[2])
    sort = SORT.match(token)
    begins = sort.end() if sort and sort.end() < len(token) else 0
    return token[:begins] + _other(token[begins:])


def _other(text: str) -> str:
    return "".join(map(_other_than, text))


def _other_than(character: str) -> str:
    """Return another letter of the same case, or another digit; what is neither stays."""
    for alphabet in CLASSES:
        if character in alphabet:
            return random.choice(alphabet.replace(character, ""))  # noqa: S311 - the less it says of the right one, the better
    return character
