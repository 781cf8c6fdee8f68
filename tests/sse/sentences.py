"""The sentences of WHATWG HTML that say how an event stream is read, each with a key for the corpus to cite.

Source: HTML Living Standard, sections "Parsing an event stream" (`#parsing-an-event-stream`) and "Interpreting
an event stream" (`#event-stream-interpretation`), © WHATWG, CC BY 4.0. Only names of characters are shortened
("U+000A LINE FEED (LF) character" to "LF"). `ELSEWHERE` are the sentences that no stream of bytes can show.
"""

PARSING = {
    "abnf-stream": "stream = [ bom ] *event",
    "abnf-event": "event = *( comment / field ) end-of-line",
    "abnf-comment": "comment = colon *any-char end-of-line",
    "abnf-field": "field = 1*name-char [ colon [ space ] *any-char ] end-of-line",
    "abnf-end-of-line": "end-of-line = ( cr lf / cr / lf )",
    "abnf-name-char": "name-char = %x0000-0009 / %x000B-000C / %x000E-0039 / %x003B-10FFFF",
    "abnf-any-char": "any-char = %x0000-0009 / %x000B-000C / %x000E-10FFFF",
    "always-utf-8": "Event streams in this format must always be encoded as UTF-8.",
    "line-separators": "Lines must be separated by either a CRLF pair, a single LF, or a single CR.",
    "no-delay": (
        "In particular, while line buffering with lines are defined to end with a single LF is safe, block "
        "buffering or line buffering with different expected line endings can cause delays in event dispatch."
    ),
}

INTERPRETING = {
    "utf-8-decode": "Streams must be decoded using the UTF-8 decode algorithm.",
    "one-bom": "The UTF-8 decode algorithm strips one leading UTF-8 Byte Order Mark (BOM), if any.",
    "line-ends": (
        "The stream must then be parsed by reading everything line by line, with a CRLF pair, a single LF not "
        "preceded by a CR, and a single CR not followed by a LF being the ways in which a line can end."
    ),
    "buffers": (
        "When a stream is parsed, a data buffer, an event type buffer, and a last event ID buffer must be "
        "associated with it."
    ),
    "buffers-empty": "They must be initialized to the empty string.",
    "in-order": "Lines must be processed, in the order they are received, as follows:",
    "blank-line": "If the line is empty (a blank line): Dispatch the event, as defined below.",
    "comment": "If the line starts with a COLON (:): Ignore the line.",
    "field-name": (
        "If the line contains a COLON (:): Collect the characters on the line before the first COLON, and let "
        "field be that string."
    ),
    "field-value": "Collect the characters on the line after the first COLON, and let value be that string.",
    "one-space": "If value starts with a U+0020 SPACE character, remove it from value.",
    "process-field": (
        "Process the field using the steps described below, using field as the field name and value as the field value."
    ),
    "no-colon": (
        "Otherwise, the string is not empty but does not contain a COLON: Process the field using the steps "
        "described below, using the whole line as the field name, and the empty string as the field value."
    ),
    "end-of-file": "Once the end of the file is reached, any pending data must be discarded.",
    "incomplete-event": (
        "(If the file ends in the middle of an event, before the final empty line, the incomplete event is not "
        "dispatched.)"
    ),
    "by-field-name": (
        "The steps to process the field given a field name and a field value depend on the field name, as given "
        "in the following list."
    ),
    "literal-names": "Field names must be compared literally, with no case folding performed.",
    "event-field": 'If the field name is "event": Set the event type buffer to the field value.',
    "data-field": (
        'If the field name is "data": Append the field value to the data buffer, then append a single LF to '
        "the data buffer."
    ),
    "id-field": (
        'If the field name is "id": If the field value does not contain U+0000 NULL, then set the last event ID '
        "buffer to the field value."
    ),
    "id-with-nul": "Otherwise, ignore the field. (id)",
    "retry-field": (
        'If the field name is "retry": If the field value consists of only ASCII digits, then interpret the '
        "field value as an integer in base ten, and set the event stream's reconnection time to that integer."
    ),
    "retry-other": "Otherwise, ignore the field. (retry)",
    "unknown-field": "Otherwise: The field is ignored.",
    "dispatch-id": ("1. Set the last event ID string of the event source to the value of the last event ID buffer."),
    "dispatch-id-stays": (
        "The buffer does not get reset, so the last event ID string of the event source remains set to this "
        "value until the next time it is set by the server."
    ),
    "dispatch-no-data": (
        "2. If the data buffer is an empty string, set the data buffer and the event type buffer to the empty "
        "string and return."
    ),
    "dispatch-last-lf": (
        "3. If the data buffer's last character is a LF, then remove the last character from the data buffer."
    ),
    "dispatch-init": (
        '5. Initialize event\'s type attribute to "message", its data attribute to data, its origin to the '
        "origin of the event stream's final URL, and its lastEventId attribute to the last event ID string of "
        "the event source."
    ),
    "dispatch-type": (
        "6. If the event type buffer has a value other than the empty string, change the type of the newly "
        "created event to equal the value of the event type buffer."
    ),
    "dispatch-reset": "7. Set the data buffer and the event type buffer to the empty string.",
    "id-persists": (
        "If an event doesn't have an \"id\" field, but an earlier event did set the event source's last event ID "
        'string, then the event\'s lastEventId field will be set to the value of whatever the last seen "id" '
        "field was."
    ),
    "other-agents": (
        "For other user agents, [...] at a minimum they must set the data and event type buffers to the empty "
        "string before returning."
    ),
    "example-stocks": (
        "The following event stream, once followed by a blank line: [...] would cause an event message with the "
        "interface MessageEvent to be dispatched"
    ),
    "example-four-blocks": "The following stream contains four blocks.",
    "example-comment-block": "The first block has just a comment, and will fire nothing.",
    "example-id-set": (
        'The second block has two fields with names "data" and "id" respectively; an event will be fired for '
        'this block, with the data "first event", and will then set the last event ID to "1"'
    ),
    "example-id-reset": (
        'The third block fires an event with data "second event", and also has an "id" field, this time with no '
        "value, which resets the last event ID to the empty string"
    ),
    "example-leading-space": (
        'Finally, the last block just fires an event with the data "third event" (with a single leading space '
        "character)."
    ),
    "example-needs-blank-line": (
        "Note that the last still has to end with a blank line, the end of the stream is not enough to trigger "
        "the dispatch of the last event."
    ),
    "example-two-events": "The following stream fires two events:",
    "example-empty-data": (
        "The first block fires events with the data set to the empty string, as would the last block if it was "
        "followed by a blank line."
    ),
    "example-newline-data": "The middle block fires an event with the data set to a single newline character.",
    "example-last-discarded": "The last block is discarded because it is not followed by a blank line.",
    "example-identical": "The following stream fires two identical events:",
    "example-space-ignored": "This is because the space after the colon is ignored if present.",
}

SENTENCES = PARSING | INTERPRETING

ELSEWHERE = {
    "This event stream format's MIME type is text/event-stream.": "the response's head, not its body",
    "The event stream format is as described by the stream production of the following ABNF, the character "
    "set for which is Unicode.": "introduces the ABNF, whose productions are cited one by one",
    "Since connections established to remote servers for such resources are expected to be long-lived, UAs "
    "should ensure that appropriate buffering is used.": "the next sentence says what that means here",
    "When the user agent is required to dispatch the event, the user agent must process the data buffer, the "
    "event type buffer, and the last event ID buffer using steps appropriate for the user agent.": (
        "introduces the steps, which are cited one by one"
    ),
    "For web browsers, the appropriate steps to dispatch the event are as follows:": "introduces the steps",
    "4. Let event be the result of creating an event using MessageEvent, in the relevant realm of the "
    "EventSource object.": "JavaScript objects",
    "8. Queue a task which, if the readyState attribute is set to a value other than CLOSED, dispatches the "
    "newly created event at the EventSource object.": "JavaScript's event loop",
}
