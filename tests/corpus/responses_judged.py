"""Streams of the Responses API by the rule that they keep or break."""

from tests.corpus.build import Case
from tests.corpus.responses import (
    ALL,
    BROKEN_OFF,
    CALLS,
    CAPTURED,
    CUT,
    DONE,
    ERROR,
    FAILED,
    OBJECT,
    OTHER,
    REFUSAL,
    RESUMED,
    SEARCH,
    SILENT,
    START,
    TEXT,
    USAGE,
    added,
    at,
    but,
    call,
    content,
    done_with,
    end,
    finished,
    item,
    life,
    message,
    of,
    part,
    runs,
    said,
    says,
    stream,
    without,
)

CASES = {
    "responses/name-differs": Case(
        good=(*runs(*ALL, ERROR), *RESUMED),
        bad=runs(
            but(TEXT, 4, name="response.output_text.done"),
            but(TEXT, 4, type="response.output_text.done", name="response.output_text.delta"),
            but(TEXT, 4, type="missing", name="response.output_text.delta"),
            tuple({**one, "name": ""} for one in TEXT),  # advice
        ),
        silent=SILENT,
    ),
    "responses/sequence-not-rising": Case(
        good=(*runs(*ALL), *RESUMED),
        bad=runs(
            but(TEXT, 5, sequence_number=4),
            but(TEXT, 5, sequence_number=0),
            tuple({**one, "sequence_number": 0} for one in TEXT),  # advice
        ),
        silent=(
            *SILENT,
            *runs(tuple({**one, "sequence_number": "missing"} for one in TEXT)),
            *runs(but(but(TEXT, 5, sequence_number=4), 2, sequence_number="missing")),
        ),
    ),
    "responses/sequence-gap": Case(
        good=(*runs(*ALL), *RESUMED),
        bad=runs((*TEXT[:5], {**TEXT[5], "sequence_number": 6}), (TEXT[0], but(TEXT, 1, sequence_number=9)[1])),
        silent=(*SILENT, *runs(TEXT[:1])),
    ),
    "responses/sequence-missing": Case(
        good=runs(*ALL),
        bad=(
            *runs(
                tuple({**one, "sequence_number": "missing"} for one in TEXT), but(TEXT, 4, sequence_number="missing")
            ),
            (stream(*TEXT, first=1),),
        ),
        silent=(*SILENT, *RESUMED),
    ),
    "responses/created-not-first": Case(
        good=runs(*ALL, BROKEN_OFF),
        bad=(*runs(TEXT[2:], (TEXT[1], TEXT[0], *TEXT[2:]), TEXT[-1:]), (stream(*TEXT[1:], first=1),)),
        silent=(*SILENT, *RESUMED, *CAPTURED, *runs((ERROR[-1],), FAILED[-2:])),
    ),
    "responses/created-repeated": Case(
        good=runs(*ALL),
        bad=runs((TEXT[0], *TEXT), (*TEXT[:5], TEXT[0], *TEXT[5:])),
        silent=(*SILENT, *RESUMED),
    ),
    "responses/id-changes": Case(
        good=runs(*ALL),
        bad=runs(done_with(id="resp_2"), (TEXT[0], life("in_progress", "in_progress", id="resp_2"), *TEXT[2:])),
        silent=(*SILENT, *RESUMED, *runs(TEXT[:1])),
    ),
    "responses/item-not-added": Case(
        good=runs(*ALL, BROKEN_OFF),
        bad=runs(
            without(TEXT, "output_item.added"),
            (*START, part("added", 0), *message(0, "a")),
            end(*message(0, "a"), says(1, "b")),
            (*START, finished(0), TEXT[-1]),  # advice
            end(*message(0)[3:]),  # advice: nothing is in it
        ),
        silent=(
            *SILENT,
            *RESUMED,
            *CAPTURED,
            *runs((life("created", "in_progress", output=[item(0)]), says(0, "a")), (*START, TEXT[-1])),
        ),
    ),
    "responses/item-repeated": Case(
        good=runs(*ALL),
        bad=runs(
            end(*message(0, "a"), *message(0, "b")),
            (*START, added(0), added(0), *message(1, "a")),
            end(*message(0, "a"), finished(0, content=[content("a")])),
            end(*message(0, "a")[:2], *message(0, "a")[1:]),
            end(*message(0, "a")[:4], *message(0, "a")[3:]),
        ),
        silent=(*SILENT, *runs(TEXT[:2])),
    ),
    "responses/item-not-done": Case(
        good=runs(TEXT, CALLS, REFUSAL, SEARCH),
        bad=runs(
            (*without(TEXT[:-1], "output_item.done"), life("completed", "completed", usage=USAGE)),
            without(TEXT, "output_item.done"),  # should: the final response has it
            end(*message(0, "a"), added(1, "function_call")),
        ),
        silent=(*SILENT, *RESUMED, *runs(CUT, FAILED, BROKEN_OFF)),
    ),
    "responses/part-not-added": Case(
        good=runs(TEXT, CALLS, REFUSAL, SEARCH, CUT, BROKEN_OFF),
        bad=runs(
            without(TEXT, "content_part.added"),
            without(REFUSAL, "content_part.added"),
            (*START, added(0), says(0, "a"), part("added", 0), says(0, "b")),
            (*START, added(0), part("added", 0), says(0, "a"), says(0, "b", 1)),
        ),
        silent=(
            *SILENT,
            *RESUMED,
            *runs(
                end(*call(0, "{}")),
                (*START, added(0, "reasoning"), says(0, "hm", kind="reasoning_text")),
                (*START, added(0, content=[content("")]), says(0, "a")),
                (*START, says(0, "a")),
            ),
        ),
    ),
    "responses/part-not-done": Case(
        good=runs(TEXT, REFUSAL, SEARCH),
        bad=runs(
            without(TEXT, "content_part.done"),
            without(SEARCH, "reasoning_summary_part.done"),
            end(*message(0, "a")[:4], part("done", 0, "a", 1), *message(0, "a")[5:]),
        ),
        silent=(*SILENT, *RESUMED, *runs(CUT, FAILED, BROKEN_OFF, end(*call(0, "{}")))),
    ),
    "responses/item-id-differs": Case(
        good=runs(*ALL),
        bad=runs(
            but(TEXT, 4, item_id="id_7"),  # advice
            but(CALLS, 4, item_id="id_1"),
            but(TEXT, 9, item=item(0, id="id_7", content=[content("Hello Köln")])),
        ),
        silent=(*SILENT, *RESUMED, *runs(TEXT[:3], (*START, added(0, id=None), says(0, "a")))),
    ),
    "responses/goes-on-after-done": Case(
        good=runs(TEXT, CALLS, REFUSAL, SEARCH, CUT),
        bad=runs(
            end(*message(0, "a")[:4], says(0, "b"), *message(0, "a")[4:]),
            end(*message(0, "a"), says(0, "b")),
            end(*message(0, "a"), part("added", 0, place=1)),
        ),
        silent=(*SILENT, *runs(FAILED, BROKEN_OFF, (*START, added(0)), end(*message(0)))),
    ),
    "responses/text-differs": Case(
        good=runs(TEXT, CALLS, REFUSAL, SEARCH, CUT, but(CALLS, 13, arguments='{"city":"Paris"}')),
        bad=runs(
            but(TEXT, 7, text=""),
            but(TEXT, 7, text="Hello Köln "),  # advice
            (*TEXT[:5], *TEXT[6:]),
            (*TEXT[:5], TEXT[4], *TEXT[5:]),
            but(TEXT, 5, delta="l� "),
            but(end(*call(0, '{"a"', ": 1}")), 5, arguments="{}"),
            but(REFUSAL, 6, refusal="I can."),
            (*START, added(0), part("added", 0), said(0, "a")),  # advice
        ),
        silent=(
            *SILENT,
            *RESUMED,
            *runs(BROKEN_OFF, end(*message(0))),
            *runs(
                (*START, added(0, "mcp_call"), OBJECT, of("response.mcp_call_arguments.done", arguments="{}", **at(0)))
            ),
        ),
    ),
    "responses/text-not-done": Case(
        good=runs(TEXT, CALLS, REFUSAL, SEARCH),
        bad=runs(
            without(TEXT, "output_text.done"),
            without(CALLS, "function_call_arguments.done"),
            without(SEARCH, "reasoning_summary_text.done"),
        ),
        silent=(*SILENT, *RESUMED, *runs(CUT, FAILED, end(*message(0)))),
    ),
    "responses/arguments-not-json": Case(
        good=runs(CALLS, end(*call(0, '{"a": "', '"}'))),
        bad=runs(end(*call(0, '{"a"')), end(*call(0, '"}', '{"a": "')), end(*call(0))),
        silent=(*SILENT, *runs(TEXT, (*START, *call(0, '{"a"'), life("incomplete", "incomplete")))),
    ),
    "responses/status-differs": Case(
        good=runs(*ALL),
        bad=runs(
            done_with("in_progress"),
            done_with("incomplete"),
            (life("created", "completed"), *TEXT[1:]),
            (*BROKEN_OFF, life("failed", "completed")),
        ),
        silent=(*SILENT, *runs((life("queued", "queued"),), (of("response.created", response={"id": "resp_1"}),))),
    ),
    "responses/end-unexplained": Case(
        good=runs(CUT, FAILED),
        bad=runs(
            (*CUT[:-1], life("incomplete", "incomplete", incomplete_details=None)),
            (*FAILED[:-1], life("failed", "failed", error={})),
        ),
        silent=(*SILENT, *runs(TEXT, BROKEN_OFF)),
    ),
    "responses/usage-missing": Case(
        good=runs(TEXT, CALLS),
        bad=runs(done_with(usage=None), done_with(usage={"total_tokens": 3}), done_with(usage={"input_tokens": 3})),
        silent=(*SILENT, *runs(CUT, FAILED, BROKEN_OFF)),
    ),
    "responses/usage-total-wrong": Case(
        good=runs(TEXT, CUT),
        bad=runs(
            done_with(usage={**USAGE, "total_tokens": 12}),
            done_with(usage={**USAGE, "total_tokens": 99}),  # advice
        ),
        silent=(*SILENT, *runs(FAILED, BROKEN_OFF, done_with(usage={"input_tokens": 1, "output_tokens": 2}))),
    ),
    "responses/output-differs": Case(
        good=runs(TEXT, CALLS, REFUSAL, SEARCH),
        bad=runs(
            done_with(output=[item(0, content=[content(" Hello Köln")])]),  # advice
            done_with(output=[item(0, content=[content("Hello")])]),
            (*CALLS[:-1], life("completed", "completed", output=CALLS[-1]["response"]["output"][:2])),
            (*CALLS[:-1], life("completed", "completed", output=CALLS[-1]["response"]["output"][::-1])),
            but(CALLS, 14, item=item(1, "function_call", arguments='{"city": "Rome"}')),
            (*TEXT[:-1], life("completed", "completed")),  # advice
        ),
        silent=(*SILENT, *RESUMED, *runs(CUT, FAILED, BROKEN_OFF, end(*message(0)), (*START, TEXT[-1]))),
    ),
    "responses/done-marker": Case(
        good=runs(*ALL),
        bad=runs((*TEXT, DONE), (*FAILED, DONE), OTHER),
        silent=(*runs((), BROKEN_OFF), *RESUMED),
    ),
    "responses/error-shape": Case(
        good=runs(FAILED, ERROR),
        bad=runs(
            (*BROKEN_OFF, of("error", detail="Overloaded")),
            (*BROKEN_OFF, of("error", error="Overloaded")),
            (*BROKEN_OFF, b"event: error\ndata: Overloaded\n\n"),
        ),
        silent=(*SILENT, *runs(TEXT, (*BROKEN_OFF, FAILED[-1]))),
    ),
    "responses/goes-on-after-error": Case(
        good=runs(FAILED, ERROR, (*ERROR, DONE)),
        bad=runs((*ERROR, says(0, "lo")), (*ERROR, TEXT[-1])),
        silent=(*SILENT, *runs(TEXT), (stream(*ERROR, how="cut"),)),
    ),
}
