"""What vendors are known to do otherwise than OpenAI's API is never more than advice; each as its streams look."""

import json
from typing import Any

import pytest

from ssegauge.conformance.judge import judge
from ssegauge.conformance.target import Promises, promised
from tests.corpus.chat import DONE, SAME, USAGE, answer, data

PROMISES = promised("chat-completions", Promises())


def chunk(*choices: dict[str, Any], **more: Any) -> bytes:
    return data({**SAME, "choices": list(choices), **more})


def choice(delta: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "finish_reason": finish, **more}


def tool(name: str, index: int = 0) -> dict[str, Any]:
    return {"index": index, "id": f"call_{name}", "type": "function", "function": {"name": name, "arguments": "{}"}}


ROLE, HI, STOP = choice({"role": "assistant", "content": ""}), choice({"content": "Hi"}), choice({}, "stop")
BOTH = choice({"role": "assistant", "content": "Hi"})
NOTHING_MORE = choice({"role": "assistant", "content": ""}, "stop")
EMPTY = {"id": "", "object": "", "created": 0, "model": ""}
MORE_IN_ALL = {**USAGE, "total_tokens": 99}  # what the model thought is counted into the total alone

VENDORS = {
    "openai": (
        chunk(choice({"role": "assistant", "content": "", "refusal": None}), service_tier="default", usage=None),
        *(chunk(HI, usage=None, obfuscation="x"), chunk(STOP, usage=None), chunk(usage=USAGE)),
    ),
    "azure": (
        data({**EMPTY, "choices": [], "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {}}]}),
        *(chunk({**ROLE, "content_filter_results": {}}), chunk(HI)),
        data(
            {**EMPTY, "choices": [{"index": 0, "finish_reason": None, "content_filter_offsets": {"check_offset": 1}}]}
        ),
        chunk(STOP),
    ),
    "vllm": (
        *(chunk(ROLE, prompt_token_ids=None), chunk(choice({"reasoning_content": "Hm.", "reasoning": "Hm."}))),
        *(chunk(HI), chunk(choice({"content": ""}, "stop", stop_reason=None)), chunk(usage=USAGE)),
    ),
    "vllm, usage in each chunk": (
        *(chunk(ROLE, usage={**USAGE, "completion_tokens": 0, "total_tokens": 9}), chunk(HI, usage=USAGE)),
        *(chunk(STOP, usage=USAGE), chunk(usage=USAGE)),
    ),
    "vllm, no choices": (chunk(ROLE), chunk(HI), chunk(STOP), data({**SAME, "choices": None, "usage": USAGE})),
    "ollama": tuple(
        chunk(choice({"role": "assistant", "content": text}, finish), created=number)
        for number, (text, finish) in enumerate([("Hi", None), (" there", None), ("", "stop")], 1)
    ),
    "llama.cpp": (
        *(chunk(choice({"role": "assistant", "content": None})), chunk(HI), chunk(STOP, timings={"prompt_n": 1})),
        chunk(usage=USAGE, timings={}),
    ),
    "deepseek": (
        chunk(choice({"role": "assistant", "content": None, "reasoning_content": ""})),
        chunk(choice({"content": None, "reasoning_content": "Hm."})),
        *(chunk(choice({"content": "Hi", "reasoning_content": None})), chunk(STOP, usage=USAGE)),
    ),
    "openrouter": (
        *(b": OPENROUTER PROCESSING\n\n", chunk({**BOTH, "native_finish_reason": None}, provider="X")),
        *(chunk({**NOTHING_MORE, "native_finish_reason": "STOP"}), chunk(choice({"content": ""}), usage=USAGE)),
    ),
    "mistral": (
        chunk(ROLE),
        chunk(choice({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}]})),
        *(chunk(HI), chunk(choice({"content": "", "tool_calls": None}, "stop"), usage=USAGE)),
    ),
    "groq": (chunk(ROLE, x_groq={"id": "r"}), chunk(HI), chunk(STOP, x_groq={"id": "r", "usage": USAGE})),
    "gemini": (chunk(BOTH, usage=MORE_IN_ALL), chunk(NOTHING_MORE, usage=MORE_IN_ALL)),
    "gemini, tools": (chunk(choice({"role": "assistant", "tool_calls": [tool("look"), tool("find")]}, "stop")),),
    "ollama, tools": (
        chunk(choice({"role": "assistant", "content": "", "tool_calls": [tool("look")]})),
        chunk(choice({"role": "assistant", "content": ""}, "stop")),
    ),
    "perplexity": (
        chunk({**BOTH, "message": {"role": "assistant", "content": "Hi"}}, usage=USAGE, citations=[]),
        chunk({**NOTHING_MORE, "message": {"role": "assistant", "content": "Hi"}}, usage=USAGE),
    ),
    "together": (chunk({**BOTH, "text": "Hi"}), chunk({**NOTHING_MORE, "text": "", "seed": 1}, usage=USAGE)),
    "litellm": (chunk(BOTH), chunk(STOP), chunk(choice({}), usage=USAGE)),
    "tgi": tuple(one.replace(b"chatcmpl-1", b"") for one in (chunk(BOTH), chunk(NOTHING_MORE), chunk(usage=USAGE))),
    "moonshot": (chunk(ROLE), chunk(HI), chunk({**STOP, "usage": USAGE})),
    "dashscope": (chunk(ROLE), chunk({**HI, "finish_reason": ""}), chunk(STOP), chunk(usage=USAGE)),
    "xai": (
        chunk(choice({"role": "assistant", "reasoning_content": "Hm."})),
        chunk(HI),
        chunk(STOP),
        chunk(usage=MORE_IN_ALL),
    ),
    "gemini, a call without id": (
        chunk(choice({"role": "assistant", "tool_calls": [{**tool("look"), "id": ""}]}, "tool_calls")),
    ),
    "github copilot": tuple(
        one.replace(b'"object": "chat.completion.chunk", ', b"") for one in (chunk(ROLE), chunk(HI), chunk(STOP))
    ),
    "tgi, of old": (chunk(BOTH), chunk(choice({"role": "assistant", "content": ""}, "eos_token"))),
    "cloudflare": (chunk(ROLE, p="abcdef"), chunk(HI, p="ab"), chunk(STOP, p="")),
    "deepseek, waiting": (b": keep-alive\n\n", chunk(ROLE), chunk(HI), chunk(STOP)),
    "a gateway's ping": (chunk(BOTH), data({"type": "ping"}, "ping"), chunk(STOP)),
    "sound": (chunk(choice({"role": "assistant", "audio": {"id": "a", "transcript": "Hi"}})), chunk(STOP)),
}


@pytest.mark.parametrize("name", VENDORS)
def test_what_vendors_do_is_never_more_than_advice(name: str) -> None:
    (run,) = answer(*VENDORS[name])
    told = {one.rule.code: one for one in judge((run,), profile="chat-completions", promises=PROMISES)}

    assert [(code, one.summary) for code, one in told.items() if one.verdict == "fail" and one.level != "advice"] == []
    assert [code for code, one in told.items() if one.verdict == "harness_error"] == []
    assert told["chat/finish-missing"].verdict == "pass"
    assert DONE in run.chunks[-1].data


def test_a_stream_of_several_choices_is_judged_by_each() -> None:
    parts = (
        *(chunk(ROLE, {**ROLE, "index": 1}), chunk(HI, {**HI, "index": 1}), chunk(STOP)),
        chunk(choice({}, "length", index=1)),
    )
    run = answer(*parts, body={"n": 2})

    results = judge(run, profile="chat-completions", promises=PROMISES)
    assert [one.rule.code for one in results if one.verdict == "fail"] == []
    assert json.loads(run[0].request.body or "")["n"] == 2
