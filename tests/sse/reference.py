"""The standard's algorithm word for word, on the whole stream at once: slow, unbounded, and of another make."""

import re

LINE_END = re.compile("\r\n|\n|\r")
ASCII_DIGITS = re.compile("[0-9]+")


def read_stream(stream: bytes) -> tuple[list[tuple[str, str, str]], str, str | None]:
    """Give the dispatched `(type, data, lastEventId)`, the last event ID string and the digits of the last `retry`."""
    text = stream.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    *lines, _unfinished = LINE_END.split(text)
    events: list[tuple[str, str, str]] = []
    data = event_type = id_buffer = last_event_id = ""
    retry = None
    for line in lines:
        if line == "":
            last_event_id = id_buffer
            if data:
                events.append((event_type or "message", data[:-1], last_event_id))
            data = event_type = ""
            continue
        field, _, value = line.partition(":")
        value = value[1:] if value[:1] == " " else value
        match field:
            case "event":
                event_type = value
            case "data":
                data += value + "\n"
            case "id" if "\0" not in value:
                id_buffer = value
            case "retry" if ASCII_DIGITS.fullmatch(value):
                retry = value
    return events, last_event_id, retry
