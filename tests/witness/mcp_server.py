"""An MCP server as the official Python SDK's README shows one: Streamable HTTP, with sessions.

python tests/witness/mcp_server.py [FAULT]      prints its address and serves until it is terminated

Each fault is a middleware between the SDK and the network: what a framework or a proxy does to an MCP server.
"""

import socket
import sys
import warnings
from collections.abc import Callable

import anyio
import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from starlette.types import ASGIApp, Message, Receive, Scope, Send

warnings.filterwarnings("ignore", "The logging capability is deprecated")  # as of 2026-07-28; we speak 2025-11-25
mcp = MCPServer("witness", log_level="ERROR")
MANY = 8


@mcp.tool()
async def count(to: int, ctx: Context) -> str:
    """Count, and report each step on the stream of the call."""
    for n in range(1, to + 1):
        await ctx.report_progress(n, to)
        await anyio.sleep(0.05)
    return f"counted to {to}"


@mcp.tool()
async def announce(text: str, ctx: Context) -> str:
    """Tell a text on the session's own stream, the one by GET."""
    await ctx.session.send_log_message("info", text)
    return "announced"


def plain_text(send: Send) -> Send:
    async def changed(message: Message) -> None:
        if message["type"] == "http.response.start":
            others = [(name, value) for name, value in message["headers"] if name != b"content-type"]
            message = {**message, "headers": [*others, (b"content-type", b"text/plain")]}
        await send(message)

    return changed


def lost_result(send: Send) -> Send:
    async def changed(message: Message) -> None:
        if b'"result"' in message.get("body", b""):
            message = {**message, "body": b""}
        await send(message)

    return changed


def lost_end(send: Send) -> Send:
    async def changed(message: Message) -> None:
        if message["type"] == "http.response.body" and not message.get("more_body"):
            await anyio.sleep_forever()  # until the reader goes
        await send(message)

    return changed


def in_batches(send: Send) -> Send:
    held: list[bytes] = []

    async def changed(message: Message) -> None:
        if message.get("more_body") and b"data:" in message["body"]:
            held.append(message["body"])
            if len(held) < MANY:
                return
            message = {**message, "body": b"".join(held)}
            held.clear()
        await send(message)

    return changed


FAULTS: dict[str, tuple[Callable[[Send], Send], *tuple[str, ...]]] = {
    "plain-text": (plain_text, "GET", "POST"),
    "lost-result": (lost_result, "POST"),
    "lost-end": (lost_end, "POST"),
    "in-batches": (in_batches, "GET"),
}


def broken(app: ASGIApp, change: Callable[[Send], Send], *methods: str) -> ASGIApp:
    """Break what is sent by these methods in a session, once that is there."""

    async def middleware(scope: Scope, receive: Receive, send: Send) -> None:
        in_session = scope["type"] == "http" and any(name == b"mcp-session-id" for name, _ in scope["headers"])
        await app(scope, receive, change(send) if in_session and scope["method"] in methods else send)

    return middleware


if __name__ == "__main__":
    app: ASGIApp = mcp.streamable_http_app()
    for fault in sys.argv[1:]:
        change, *methods = FAULTS[fault]
        app = broken(app, change, *methods)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1)).run(sockets=[listener])
