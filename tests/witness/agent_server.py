"""An agent behind a login, as docs/recipes/language-models.md has it: /login, /runs, and a run's stream of events.

`python agent_server.py` prints its address. Each run's stream begins with a tool call and its result, then says a text.
"""

import asyncio
import itertools
import json

from aiohttp import web

TEXT = "Three mails wait: from Zoë, from the bank, and a reminder of Tuesday."
HEAD = {"Content-Type": "text/event-stream", "Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"}
HEAD["X-Content-Type-Options"] = "nosniff"
SESSION = "session-of-ci"
numbers = itertools.count(1)
runs: set[str] = set()


async def log_in(request: web.Request) -> web.Response:
    told = await request.json()
    if told != {"user": "ci", "password": "secret"}:
        return web.json_response({"error": "wrong password"}, status=401)
    return web.json_response({"token": SESSION})


async def start(request: web.Request) -> web.Response:
    if request.headers.get("Authorization") != f"Bearer {SESSION}":
        return refused()
    run = f"run-{next(numbers)}"
    runs.add(run)
    return web.json_response({"id": run}, status=201)


def refused() -> web.Response:
    return web.json_response({"error": "log in first"}, status=401, headers={"WWW-Authenticate": "Bearer"})


def event(number: int, kind: str, **members: str) -> bytes:
    return f"id: {number}\nevent: {kind}\ndata: {json.dumps(members, ensure_ascii=False)}\n\n".encode()


def events() -> list[bytes]:
    pieces = [("tool_call", {"name": "read_inbox"}), ("tool_result", {"result": "3 mails"})]
    pieces += [("token", {"text": f"{word} "}) for word in TEXT.split()]
    return [event(number, kind, **members) for number, (kind, members) in enumerate([*pieces, ("done", {})], 1)]


async def stream(request: web.Request) -> web.StreamResponse:
    if request.headers.get("Authorization") != f"Bearer {SESSION}":
        return refused()
    if request.match_info["run"] not in runs:
        return web.json_response({"error": "no such run"}, status=404)
    response = web.StreamResponse(headers=HEAD)
    await response.prepare(request)
    after = request.headers.get("Last-Event-ID", "")
    for one in events()[int(after) if after.isdigit() else 0 :]:
        await response.write(one)
        await asyncio.sleep(0.02)
    return response


def main() -> None:
    app = web.Application()
    app.add_routes([web.post("/login", log_in), web.post("/runs", start), web.get("/runs/{run}/events", stream)])

    async def serve() -> None:
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
        await asyncio.Event().wait()

    asyncio.run(serve())


if __name__ == "__main__":
    main()
