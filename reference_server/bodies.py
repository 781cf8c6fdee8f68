"""Bodies of requests: JSON objects that the schemas of the published description allow, explained in its words."""

import asyncio
import json
import math
from pathlib import Path
from typing import Any, NoReturn

from aiohttp import web
from jsonschema import Draft202012Validator

from reference_server.events import Json

LIMIT = 64 * 1024
TIMEOUT_S = 10.0
NESTING = 50
TOO_DEEP = f"The body is nested too deeply; {NESTING} levels are the most."
DESCRIPTION = Path(__file__).parent / "openapi.json"
SCHEMAS: Json = json.loads(DESCRIPTION.read_bytes())["components"]["schemas"]
VALIDATORS = {name: Draft202012Validator(SCHEMAS[name]) for name in ("TaskSpec", "TaskUpdate")}


async def read(request: web.Request, schema: str) -> Json:
    """Return the request's object; an empty body is an empty object.

    Raises:
        web.HTTPException: 400, 408, 413 or 415, with a text for the sender.
    """
    try:
        async with asyncio.timeout(TIMEOUT_S):
            body = await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout(text=f"The body took longer than {TIMEOUT_S:g} seconds.") from None
    if not body:
        return {}
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="Send Content-Type: application/json.")
    try:
        return checked(parse(body), schema)
    except ValueError as error:
        raise web.HTTPBadRequest(text=str(error)) from None


def parse(body: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Return the JSON value in the bytes; raises ValueError."""
    try:
        value = json.loads(body, parse_constant=_refuse, parse_float=_finite)
    except RecursionError:
        raise ValueError(TOO_DEEP) from None
    except ValueError as error:
        raise ValueError(f"The body is not JSON: {error}.") from None
    if _is_deeper(value, NESTING):
        raise ValueError(TOO_DEEP)
    return value


def checked(value: Any, schema: str) -> Json:  # noqa: ANN401 - any JSON value
    """Return the value if it is an object that the schema allows; raises ValueError."""
    if not isinstance(value, dict):
        raise ValueError("The body must be a JSON object.")
    known = SCHEMAS[schema]["properties"]
    for name in value.keys() - known.keys():
        raise ValueError(f"unknown member {name[:40]!r}; known are {', '.join(known)}")
    for error in VALIDATORS[schema].iter_errors(value):
        name = str(error.path[0])
        raise ValueError(f"{name} must be {known[name]['description']}")
    return value


def _is_deeper(value: Any, levels: int) -> bool:  # noqa: ANN401 - any JSON value
    """Whether the value is nested so deeply that writing it could exhaust the stack."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels < 0 or any(_is_deeper(one, levels - 1) for one in inner)


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        _refuse(text[:40])
    return int(number) if number.is_integer() else number
