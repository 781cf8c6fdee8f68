"""How a chat server is asked, and what it says."""

import json
from typing import Any

PATH = "/v1/chat/completions"
QUESTION = {"role": "user", "content": "Tell me of the sea."}


def body(**members: Any) -> dict[str, Any]:
    return {"model": "ssegauge-1", "messages": [QUESTION], **members}


async def stream(site: Any, **members: Any) -> Any:
    """Ask for a stream; nothing is read yet."""
    raw = json.dumps(body(stream=True, **members)).encode()
    return await site.begin("POST", PATH, raw, Content_Type="application/json")


async def ask(site: Any, members: Any, **fields: str) -> Any:
    """Send a body and return the whole answer."""
    return await site.post(PATH, members, **fields)


def deltas(answer: Any) -> str:
    """The text that the deltas add up to."""
    choices = [event["choices"][0] for event in answer.events if event.get("choices")]
    return "".join(choice["delta"].get("content", "") for choice in choices)
