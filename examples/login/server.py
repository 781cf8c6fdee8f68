"""A stream behind a login, with FastAPI: each reader is told the time, once a second.

PASSWORD=... python server.py PORT
"""

import asyncio
import os
import secrets
import sys
import time
from collections.abc import AsyncIterator
from typing import Annotated

import uvicorn
from fastapi import Cookie, Depends, FastAPI, HTTPException, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel

app = FastAPI()
sessions: set[str] = set()


class Login(BaseModel):
    """Who wants in."""

    user: str
    password: str


@app.post("/login", status_code=204)
async def login(who: Login, response: Response) -> None:
    """Open a session, kept in a cookie."""
    if not secrets.compare_digest(who.password, os.environ["PASSWORD"]):
        raise HTTPException(403, "wrong password")
    session = secrets.token_urlsafe()
    sessions.add(session)
    response.set_cookie("session", session, httponly=True, samesite="strict")


def logged_in(session: Annotated[str, Cookie()] = "") -> None:
    """Let nobody else in; HTTP asks for a challenge with 401 (RFC 9110 section 15.5.2)."""
    if session not in sessions:
        raise HTTPException(401, "log in first", {"WWW-Authenticate": 'Cookie realm="feed"'})


def head(response: Response) -> None:
    """Add to the head what FastAPI does not."""
    response.headers["Cache-Control"] = "private, no-transform"
    response.headers["X-Content-Type-Options"] = "nosniff"


@app.get("/events", response_class=EventSourceResponse, dependencies=[Depends(logged_in), Depends(head)])
async def events() -> AsyncIterator[ServerSentEvent]:
    """Tell the time."""
    while True:
        yield ServerSentEvent(data={"at": int(time.time() * 1000)})
        await asyncio.sleep(1)


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), http="h11", log_level="warning")
