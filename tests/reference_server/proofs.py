"""Proofs that a server has a fault: coroutines that are true of the faulty server and false of the healthy one.

Where the fault is that nothing comes, the healthy server has all the time it needs, and the faulty one shows its fault
after a short while.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

SHORT_WHILE_S = 0.7  # for what never comes
TASKS = "/api/brand-monitor/tasks"
PROGRESS = "/api/brand-monitor/progress"
ORIGIN, LOOKS_ALIKE = "https://app.test", "https://notapp.test"
LONG = "." * 3900

Proof = Callable[[Any], Awaitable[bool]]
short_while: ContextVar[float | None] = ContextVar("short_while", default=None)


class Proofs(dict[str, tuple[Proof, dict[str, Any]]]):
    """By the code of the fault: its proof, and the settings that the server needs for it, besides those of all."""

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        self.settings = settings

    def of(self, code: str, **settings: Any) -> Callable[[Proof], Proof]:
        """Register a proof."""

        def register(proof: Proof) -> Proof:
            self[code] = (proof, {**self.settings, **settings})
            return proof

        return register

    async def hold(self, code: str, serving: Any) -> bool:
        """Whether the fault shows, and the healthy server does not have it."""
        proof, settings = self[code]
        async with serving(code, **settings) as site:
            token = short_while.set(SHORT_WHILE_S)
            shows = await proof(site)
            short_while.reset(token)
        async with serving(**settings) as site:
            return shows and not await proof(site)


async def hangs(waiting: Awaitable[Any]) -> bool:
    """Whether what is awaited does not come: at the faulty server within a short while, at the healthy one at all."""
    try:
        async with asyncio.timeout(short_while.get()):
            await waiting
    except TimeoutError:
        return True
    except Exception as error:
        if type(error).__name__ == "Hangs":
            return True
        raise
    return False


async def ended(site: Any) -> str:
    """A manual task with the events 0 to 3, completed."""
    task_id = await site.create(manual=True)
    await site.update(task_id, status="running", progress=10)
    await site.update(task_id, progress=50)
    await site.update(task_id, status="completed", results={"visibilityScore": 1})
    return str(task_id)


async def idle(site: Any, **fields: str) -> tuple[str, Any]:
    """A manual task and a stream of it that has told its state."""
    task_id = await site.create(manual=True)
    stream = await site.stream(task_id, **fields)
    return task_id, await stream.saw(b'"status":"pending"')


async def snapshot(site: Any, task_id: str) -> Any:
    return (await site.ask("GET", f"{TASKS}/{task_id}")).json


async def times_allowed(site: Any, method: str, path: str, origin: str = ORIGIN) -> int:
    """How often an answer names the origin of a page that asks: browsers let it read where it is once."""
    answer = await site.ask(method, path, Origin=origin, Access_Control_Request_Method="GET")
    return int(answer.raw.lower().count(b"access-control-allow-origin:"))
