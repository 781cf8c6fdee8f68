"""The calls that a stream needs first, ``[[before]]``: made in order, and what they are to keep taken from the replies.

What is kept of a credential, such as a session id, is redacted from then on; the calls themselves are written down
only when that is known.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from ssegauge.conformance.recording.live import Recording
from ssegauge.conformance.recording.transcript import Transcript
from ssegauge.conformance.seen import View
from ssegauge.conformance.target import Before, Target, each_its_own, fill, kept, kept_secrets

Ask = Callable[[Before, str], Awaitable[Transcript]]  # the call, filled in, and the name of its transcript


class HookFailed(Exception):  # noqa: N818 - an event of the run, not a defect of the program
    """A hook of the target did not do what the target file says; the message is one line."""


async def prepare(target: Target, ask: Ask, recording: Recording) -> dict[str, str]:
    """Make the calls; return what they keep, by name. Raises HookFailed: which call, and what came."""
    found: dict[str, str] = {}
    for number, before in enumerate(target.before, 1):
        call = fill(before, each_its_own(found))
        transcript = await ask(call, recording.unique(f"before-{number}"))
        reply = View(transcript)
        try:
            more = _kept(call, reply)
        except LookupError as error:
            recording.write(transcript)
            where = recording.redact.text(target.url(call.path))
            raise HookFailed(f"[[before]] {number}, {call.method} {where}: {error.args[0]}") from None
        recording.redact.learn(kept_secrets(call, more, target))
        recording.write(transcript)
        found |= more
    return found


def _kept(call: Before, reply: View) -> Mapping[str, str]:
    if not reply.head or not 200 <= reply.head.status < 300:
        raise LookupError(reply.said())
    return kept(call, reply.head.headers, reply.body)
