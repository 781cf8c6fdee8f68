"""Random event streams, well-formed and hostile: a grammar for Hypothesis, and a seeded sample of it."""

from random import Random

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.sse.corpus import BOM

BROKEN_UTF_8 = [
    b"\x80",
    b"\xbf\xbf",
    b"\xc0\xaf",
    b"\xc3",
    b"\xe0\x80\x80",
    b"\xe2\x82",
    b"\xed\xa0\x80",
    b"\xed\xbf\xbf",
    b"\xef\xbb",
    b"\xf0\x9f\x98",
    b"\xf0\x80\x80\x80",
    b"\xf4\x90\x80\x80",
    b"\xf8\x88\x80\x80\x80",
    b"\xfe\xff",
]
RETRIES = [b"0", b"10", b"007", b"+5", b"-5", b"5 ", b"5s", b"1.5", "٣".encode(), b"9" * 30, b"0" * 5000 + b"9"]
NAMES = [b"data", b"event", b"id", b"retry"]
ODD_NAMES = [b"Data", b"ID", b" data", b"data ", b"dat", b"data\x00", b"\xe2\x82data", BOM + b"data", b"x", b""]

endings = st.sampled_from([b"\n", b"\r", b"\r\n"])
texts = st.text(max_size=8).map(str.encode)
long_values = st.builds(bytes.__mul__, st.sampled_from([b"x", b"\xff", "😀".encode()]), st.integers(1, 5000))
values = st.one_of(
    texts,
    st.lists(st.sampled_from(BROKEN_UTF_8) | texts, max_size=4).map(b"".join),
    st.binary(max_size=6),
    st.sampled_from([b"", b"1", b"message", b"error", b"open", b"a\x00b", BOM, BOM + b"1", *RETRIES]),
    long_values,
)
names = st.sampled_from([*NAMES, b"data", b"data", *NAMES, b"data", b"data", *ODD_NAMES])
separators = st.sampled_from([b":", b": ", b": ", b":  ", b":\t", b"", b" :"])
fields = st.builds(lambda *parts: b"".join(parts), names, separators, values)
comments = values.map(b":".__add__)
usual_lines = st.sampled_from([b"data: x", b"data", b"data:y", b"id: 1", b"event: z", b": c"])
lines = st.one_of(usual_lines, fields, fields, comments)
blocks = st.lists(lines, min_size=1, max_size=5).map(lambda block: [*block, b""])  # the last line is blank
bodies = st.lists(blocks, min_size=2, max_size=8).map(lambda body: [line for block in body for line in block])
starts = st.sampled_from([b"", b"", b"", BOM, BOM * 2, BOM + b"\n", b"\xef\xbb"])
tails = st.just(b"") | lines

mixed_endings = st.builds(
    lambda start, body, ends, tail: start + b"".join(map(b"".join, zip(body, ends, strict=False))) + tail,
    starts,
    bodies,
    st.lists(endings, min_size=8, max_size=48),
    tails,
)
one_ending = st.builds(lambda start, body, end, tail: start + end.join([*body, tail]), starts, bodies, endings, tails)
# What streams are made of, for those thrown together at random: ends of lines most, so that events come about.
TOKENS = [
    *(b"\n", b"\n", b"\n", b"\r", b"\r", b"\r\n", b"\r\n", b"\n\n", b"\r\r", b"\r\n\r\n"),
    *(b":", b" ", b"\x00", b"1", BOM, "é😀".encode()),
    *(b"data: x\n", b"data:  y\r", b"data: {}\n\n", b"id: 1\ndata: x\n\n", b"event: z\r\n", b"id\n", b": c\n"),
    *NAMES,
    *(name + b":" for name in [*NAMES, *NAMES, *ODD_NAMES]),
    *BROKEN_UTF_8,
    *RETRIES[:-1],
]
soup = st.lists(st.sampled_from(TOKENS), min_size=4, max_size=60).map(b"".join)
event_streams = st.one_of(one_ending, mixed_endings, soup)


def sample(count: int, *, seed: int) -> list[bytes]:
    """Draw `count` different streams, half of them from the grammar; the same seed gives the same ones."""
    random = Random(seed)
    drawn = dict.fromkeys(_from_grammar(count // 2, seed))
    while len(drawn) < count:
        drawn[b"".join(random.choices(TOKENS, k=random.randint(4, 60)))] = None
    return list(drawn)


def _from_grammar(count: int, seed: int) -> list[bytes]:
    drawn: list[bytes] = []

    @hypothesis.seed(seed)
    @settings(
        max_examples=count,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(event_streams)
    def collect(stream: bytes) -> None:
        drawn.append(stream)

    collect()
    return drawn
