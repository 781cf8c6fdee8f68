"""The commands of docs/mock-servers.md do what the page shows."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer

from ssegauge.reference_server import PROFILES, start
from ssegauge.reference_server.__main__ import main
from ssegauge.reference_server.server import SERVERS

PAGE = (Path(__file__).parents[2] / "docs" / "mock-servers.md").read_text(encoding="utf-8")
SESSIONS = re.findall(r"```console\n(\$ ssegauge serve .*?)```", PAGE, re.DOTALL)
OURS = {"fault", "faults", "host", "port", "log_level", "allow_origin", "heartbeat"}


def options(command: str) -> dict[str, Any]:
    """The options of a command, as the command line reads them."""
    app = typer.Typer()
    app.command()(main)
    context = typer.main.get_command(app).make_context("serve", shlex.split(command)[3:])
    given = {name: value for name, value in context.params.items() if value not in (None, False)}
    assert {*given} <= OURS | {"profile", "first_token", "pace", "slots", "token"}
    return {"faults": given.get("fault") or [], **{name: given[name] for name in {*given} - OURS}}


@pytest.mark.parametrize("session", SESSIONS, ids=lambda session: session.partition("\n")[0][2:])
async def test_a_session_is_as_shown(session: str) -> None:
    serve, announced, curl, *shown = session.splitlines()
    told = options(serve)
    faults, quickly = told.pop("faults"), {"first_token": 0, "pace": 0}
    assert announced == f"{SERVERS[told['profile']].name} on http://127.0.0.1:8205"
    _, _, address, _, _, _, body = shlex.split(curl.removeprefix("$ "))
    async with start(faults, **{**told, **quickly}) as base_url, httpx.AsyncClient() as client:
        answer = await client.post(address.replace("http://127.0.0.1:8205", base_url), json=json.loads(body))
    expected = [re.escape(part.strip("\n")) for part in "\n".join([*shown, ""]).split("...\n")]
    assert answer.status_code == 200
    assert re.search(".*".join(expected), answer.text, re.DOTALL)


def test_every_server_of_answers_is_in_it() -> None:
    assert {
        name for name in PROFILES if name not in {"task-progress", "event-stream"} and f"`{name}`" not in PAGE
    } == set()
    assert len(SESSIONS) == PAGE.count("$ ssegauge serve")
