"""The servers, by the profile that each serves: with faults if asked for, in an event loop or as a process."""

import asyncio
import contextlib
import gc
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from aiohttp import web

from ssegauge.reference_server import app, faults
from ssegauge.reference_server.chat import app as chat
from ssegauge.reference_server.chat import faults as chat_faults
from ssegauge.reference_server.common import logs
from ssegauge.reference_server.common.errors import CannotServe
from ssegauge.reference_server.common.http2 import fronted
from ssegauge.reference_server.common.process import most_streams, running, until_stopped
from ssegauge.reference_server.common.registry import Registry
from ssegauge.reference_server.copies import Copies, may_be_offered
from ssegauge.reference_server.feed import app as feed
from ssegauge.reference_server.feed import faults as feed_faults
from ssegauge.reference_server.messages import app as messages
from ssegauge.reference_server.messages import faults as messages_faults
from ssegauge.reference_server.responses import app as responses
from ssegauge.reference_server.responses import faults as responses_faults

COLLECTION = (10_000, 10, 50)  # full collections are rare: with 18,000 streams open each stops everything for 0.3 s
Profile = Literal["task-progress", "event-stream", "chat-completions", "responses", "messages"]
PROFILES: tuple[Profile, ...] = get_args(Profile)
ON_THE_COMMAND_LINE = {"token", "allow_origin", "heartbeat", "pace", "first_token", "slots"}  # of what servers take


@dataclass(frozen=True, slots=True)
class Served:
    """What serves a profile: its name for people, its faults, and what makes an application of parts and options."""

    name: str
    faults: Registry[Any]
    make_app: Callable[..., web.Application]


SERVERS: dict[Profile, Served] = {
    "task-progress": Served("ssegauge reference server", faults.registry, app.make_app),
    "event-stream": Served("ssegauge feed", feed_faults.registry, feed.make_app),
    "chat-completions": Served("ssegauge chat server", chat_faults.registry, chat.make_app),
    "responses": Served("ssegauge server of responses", responses_faults.registry, responses.make_app),
    "messages": Served("ssegauge server of messages", messages_faults.registry, messages.make_app),
}


def start(
    chosen: Sequence[str] = (),
    *,
    profile: Profile = "task-progress",
    http2: bool = False,
    offer_faults: bool = False,
    **options: Any,  # noqa: ANN401 - see below
) -> contextlib.AbstractAsyncContextManager[str]:
    """Serve for as long as the context is open, which is entered with the base URL; leaving it drains.

    Args:
        chosen: codes of the rules to break.
        profile: what to serve.
        http2: over TLS, with a certificate of its own.
        offer_faults: whether copies with a fault may be had while it runs (`copies`).
        options: of the profile's `make_app`, and of `process.running`.

    Raises:
        CannotServe: a fault is unknown, an option is wrong, or the address cannot be listened on.
    """
    served = SERVERS[profile]
    _is_at_home(chosen, profile)
    ours, process = _names(served.make_app), _names(running)
    if strange := sorted({*options} - ours - process):
        there_is = ", ".join(_flag(name) for name in sorted(ours & ON_THE_COMMAND_LINE))
        raise CannotServe(f"{_flag(strange[0])} is no option of profile {profile}; there is {there_is}")
    parts = served.faults.compose(chosen)
    made = served.make_app(parts, **{name: options[name] for name in ours & {*options}})
    if offer_faults:
        _offer(made, profile, options)
    if http2:
        return fronted(running(made), parts.front, options.get("host", "127.0.0.1"), options.get("port", 0))
    return running(made, **{name: options[name] for name in process & {*options}})


def _offer(app: web.Application, profile: Profile, options: dict[str, Any]) -> None:
    theirs = {name: value for name, value in options.items() if name != "port"}
    copies = Copies(faults_of(profile), lambda code: start([code], profile=profile, **theirs))
    app.add_routes(copies.routes())
    app.on_shutdown.append(copies.close)


def _is_at_home(chosen: Sequence[str], profile: Profile) -> None:
    """Say of a fault that another profile has which one it is; raises CannotServe."""
    for code in chosen:
        homes = [name for name in PROFILES if code in SERVERS[name].faults.codes()]
        if homes and profile not in homes:
            raise CannotServe(f"profile {profile} has no fault {code}; serve it with --profile {homes[0]}")


def _names(function: Callable[..., object]) -> set[str]:
    return {*inspect.signature(function).parameters} - {"parts", "app"}


def serve(
    host: str = "127.0.0.1",
    port: int = 8205,
    *,
    profile: Profile = "task-progress",
    faults: Sequence[str] = (),
    log_level: logs.Level = "warning",
    **options: Any,  # noqa: ANN401 - see `start`
) -> None:
    """Serve until SIGTERM or SIGINT, then drain and return; prints one line when listening, the address last.

    What happens is told on stderr from `log_level` up, one JSON object a line. An option that is None is left out.

    Raises:
        CannotServe: as `start` does.
    """
    logs.configure(log_level)
    gc.set_threshold(*COLLECTION)
    given = {name: value for name, value in options.items() if value is not None}
    offer = not faults and not given.get("http2") and may_be_offered(host, given.get("token"))
    bounds: dict[str, Any] = {"host": host, "port": port, "max_streams": most_streams()}
    server = start(faults, profile=profile, offer_faults=offer, **bounds, **given)
    asyncio.run(until_stopped(server, SERVERS[profile].name))


def faults_of(profile: Profile) -> dict[str, str]:
    """Return the codes of the profile's faults, and what each does."""
    registry = SERVERS[profile].faults
    return {code: registry.about(code) for code in registry.codes()}


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
