"""Readers of one stream, side by side: told the same, or not; and one who is told no more, while others are."""

from dataclasses import replace

from ssegauge.conformance.recording.transcript import Request
from tests.corpus.build import Case
from tests.corpus.readers import (
    ALL_SIX,
    CAME_AT_ONCE,
    CLOCK,
    COME_LATER,
    KEPT,
    KEYS,
    RANDOM,
    SLOW,
    STEPS,
    at_once,
    bare,
    both,
    built,
    bursts,
    by_key,
    chat,
    clocks,
    coded,
    crowds_of_their_own,
    dated,
    drawn,
    feed,
    greeting,
    history_of_some,
    late,
    newly,
    notice,
    own,
    paced,
    parted,
    personal,
    reader,
    returned,
    sampled,
    shard,
    slow_queue,
    sort,
    stamped,
    taken_in_turn,
    tick,
    told_as_they_come,
    traded,
    turned,
    twin,
    values_come_again,
    venue,
    visited,
    volleys,
    without,
)

CASES = {
    "delivery/readers-differ": Case(
        good=(
            history_of_some(),
            (reader(feed()), twin(feed())),
            (reader(sampled(0)), twin(sampled(70))),
            (reader(bursts(40), left=12_000.0), twin(bursts(40), left=2600.0)),
            # One of them is told later, what the other had been.
            (reader(feed(tick, 1, 90, 40.0), left=1500.0), twin(late(feed(tick, 1, 90, 40.0), 1400.0), left=3500.0)),
            (reader(SLOW, left=16_500.0), twin(late(SLOW, 1600.0), left=16_500.0)),
            # Two sources, whose order is each reader's own.
            (reader(bursts(40, event=shard(0)), left=12_000.0), twin(bursts(40, event=shard(1)), left=2600.0)),
            (reader(feed(bare)), twin(feed(bare))),
            (reader(feed(), left=16_500.0), twin(feed(), came=6000.0, left=9000.0)),
            (reader(feed()), twin([(2.0, greeting("b")), *feed()])),
            (reader(feed()), twin(feed()), coded(feed())),
            (reader(stamped(0)), twin(stamped(1)), coded(stamped(2))),
            (reader([(1.0, greeting("a")), *feed()]), twin([(4.0, greeting("b")), *feed(bare), *feed()])),
            # One greeting for each, in the same words.
            (reader([(1.0, greeting("a")), *feed()]), twin([(503.0, greeting("a")), *feed()], came=500.0)),
            (reader(stamped(0)), twin(stamped(1))),
            (
                reader(feed()),
                twin([(2600.0, b"".join(tick(n) for n in range(5, 14))), *feed()], came=2500.0),
            ),  # replayed
            (reader(feed()), returned(KEPT)),
            # While somebody does not read, others are held up: a matter of its own.
            (reader(feed()), twin(without(feed(), 7, 12)), reader(feed(), 2000.0, 2600.0, situation="beside-slow")),
            (reader(without(feed(), 12)), returned([*KEPT[:6], (0.0, notice(12)), *KEPT[7:]])),
            (reader(feed()), twin(without(feed(), 12))),  # one event, once
            (reader(feed(bare)), twin(without(feed(bare), 12))),
            (reader(feed(bare)), twin([*turned(feed(bare)[:4]), *feed(bare)[4:]])),
            # Two sources that count for themselves, whose order is each reader's own.
            (reader(feed(venue, every=15.0)), twin(turned(feed(venue, every=15.0)))),
            (reader(volleys(*ALL_SIX)), twin(volleys(*ALL_SIX))),
            (reader(volleys(*ALL_SIX)), twin(volleys("012345", "01245", *ALL_SIX))),
            # Of three things that change the newest each, a little earlier for one.
            (reader(by_key(0.0, *KEYS)), twin(by_key(3.0, "a1 b1 c1", "a3 b3 c4", "a5 b4 c5", *KEYS[3:]))),
            (reader(by_key(0.0, *KEYS)), twin(by_key(9.0, "a1 b2 c1", "a3 b3 c3", "a4 b4 c5", "a6 b6 c6", KEYS[4]))),
            # A state, of which each was told what was the newest at times of its own; all is kept.
            (reader([one for n, one in enumerate(feed()) if n % 2]), returned(KEPT)),
        ),
        bad=(
            parted(),
            parted(bare),
            taken_in_turn(),
            slow_queue(),
            slow_queue(lambda n: b"data: [%05d] took %d s\n\n" % (n, n * 7919 % 101)),
            (reader(feed()), twin(feed()), coded(feed(lambda n: tick(500 + n)))),  # a cache's variant
            (reader(feed()), twin(without(feed(), 7, 12))),
            (reader(without(feed(bare), 9, 14, 15)), twin(feed(bare))),
            (reader(without(feed(bare), 6, 12)), twin(without(feed(bare), 7))),
            (reader(feed(bare, every=15.0)), twin(turned(feed(bare, every=15.0)))),
            (reader(feed()), twin(turned(feed()))),
            (reader(SLOW, left=16_500.0), twin(late(SLOW, 2600.0), left=16_500.0)),
            (reader(without(feed(), 6, 12)), twin(without(feed(), 7))),
            (reader(bursts(40, kept=30), left=12_000.0), twin(bursts(40), left=2600.0)),  # a full queue drops the rest
            # Another one each time, whoever it is that goes without.
            (reader(without(feed(), 12)), twin(without(feed(), 7)), twin(feed(), came=3000.0)),
            # A queue of two, whose oldest is dropped.
            (
                reader(volleys("0245", "0145", "02345", "0345", "01245", "0245")),
                twin(volleys("01345", "01345", "0245", "01345", "0245", "02345")),
            ),
            (reader(without(feed(), 12)), returned(KEPT)),  # what is kept was not all told
            (reader(without(feed(), 10, 20)), twin(without(feed(), 10, 20)), returned(KEPT)),
        ),
        silent=(
            values_come_again(),
            (reader(feed()),),
            (reader(RANDOM[0], left=3000.0), twin([]), reader(own(0), came=6000.0)),
            (reader(feed(), left=2000.0), twin(feed(), came=2500.0)),  # not at the same time
            (reader(own(0, 1), left=12_000.0), twin(own(30, 2))),  # as many events to each, whoever else reads
            (reader(RANDOM[0]), twin(RANDOM[1])),
            (
                reader(feed(bare, last=20), left=9000.0),
                twin(late(feed(bare, last=20), 2600.0), came=2600.0, left=9000.0),
            ),
            # A course that each has of its own, of which only the steps are alike.
            (
                reader(built(7), left=2000.0),
                twin(built(3), left=2000.0),
                twin(late(built(5), 4000.0), came=4000.0, left=6000.0),
            ),
            clocks(),
            crowds_of_their_own(),
            (reader(chat("The quick brown fox"), how="eof"), twin(chat("A lazy dog sleeps here"), how="eof")),
            # Answers to two requests: alike, but for the second in which they were made.
            (reader(feed(bare, last=20), how="eof"), twin(without(feed(bare, last=20), 7, 8, 12), how="eof")),
            tuple(
                replace(one, request=Request("POST", "http://127.0.0.1/stream"))
                for one in (reader(feed()), twin(without(feed(), 7, 8, 12)))
            ),
            (reader([(10.0, b"data: hello\n\n")]), twin([(10.0, b"data: hello\n\n")])),
            (reader(feed(lambda _: b"data: ping\n\n")), twin(feed(lambda _: b"data: ping\n\n"))),
            (reader(feed()), twin([], resume="known", last_event_id="3")),
            (reader(feed()), twin(feed(), capture=True)),
            # Courses of their own, at a pace of its own each, that come to their end.
            (reader(STEPS, left=21_000.0, how="eof"), twin(paced(STEPS, 2.5), left=52_000.0, how="eof")),
        ),
    ),
    "liveness/goes-deaf": Case(
        good=(
            # A pause as they come, where each is told a part of its own.
            (reader(personal(1, last=27), left=14_000.0), *(twin(personal(n), left=14_000.0) for n in (2, 3, 5))),
            (reader(feed()), twin(feed())),
            visited(*[both(CLOCK, sort("price"))] * 3),
            visited(*[both(CLOCK, sort("price", last=11))] * 3),  # over for all
            # The state of things, told to each bit by bit, and what is for one reader alone.
            visited(*[both(CLOCK, sort("item", since, last=9)) for since in (0.0, 3000.0, 11_000.0)]),
            # Its own draw for each, of a course that each has of its own, though they keep step.
            visited(
                both(CLOCK, drawn(1, last=12)),
                both(CLOCK, late(drawn(2, last=12), 3000.0)),
                both(CLOCK, late(drawn(3, last=12), 11_000.0)),
            ),
            visited(
                both(CLOCK, sort("mail", last=9)), CLOCK, both(CLOCK, sort("mail", first=40, since=-9000.0, last=99))
            ),
            (reader(own(0), left=16_500.0), twin(own(12_000.0), 11_900.0, 16_000.0)),
            # The same course for each, but for the time of day; as text too. One saw it come to its end there.
            (
                reader(dated(0), left=16_500.0),
                twin(dated(7.0), left=5000.0),
                twin(dated(12_000.0), came=12_000.0, left=16_000.0),
            ),
            (
                reader(dated(0, b"data: step %d of 20 at %d\n\n"), left=16_500.0),
                twin(dated(7.0, b"data: step %d of 20 at %d\n\n"), left=5000.0),
                twin(dated(12_000.0, b"data: step %d of 20 at %d\n\n"), came=12_000.0, left=16_000.0),
            ),
        ),
        bad=(
            (*CAME_AT_ONCE, *COME_LATER),  # every fourth connection is told nothing
            (reader(feed(last=40), left=16_500.0), twin(feed(), came=12_000.0, left=16_000.0)),
            (reader(feed(bare, last=40), left=16_500.0), twin(feed(bare), came=12_000.0, left=16_000.0)),
            # Nothing in common, but nothing at all comes any more.
            (reader(own(0)[:20], left=16_500.0), twin(own(12_000.0, 1), came=12_000.0, left=16_000.0)),
            # A course for each, whose end nobody saw.
            (reader(dated(0), left=16_500.0), twin(dated(12_000.0), came=12_000.0, left=15_000.0)),
            (reader([]), twin(feed())),  # the last one who comes is the only one
            (
                reader(feed(last=7, every=1500.0), left=17_000.0),
                twin(feed(every=1500.0)),
                twin(feed(every=1500.0), came=13_900.0, left=17_000.0),  # is told two
            ),
            (
                reader([(1000.0 * n, b":\n\n") for n in range(1, 16)], left=16_500.0),
                twin(feed(), came=3000.0, left=5000.0),
                twin(feed(), came=12_000.0, left=15_000.0),
            ),
            # One sort alone, on one connection.
            visited(both(CLOCK, sort("price", last=12)), both(CLOCK, sort("price")), both(CLOCK, sort("price"))),
            visited(traded(stops_at=12), traded()[8:14], traded()[28:38]),
            told_as_they_come(courses=False),
            (reader(personal(1, last=27), left=24_000.0), *(twin(personal(n), left=24_000.0) for n in (2, 3, 5))),
            visited(both(CLOCK, drawn(1, last=12)), both(CLOCK, drawn(2)), both(CLOCK, drawn(3))),
            # So long that two are enough, told to one who does not stay for long.
            (
                reader(both(CLOCK, drawn(1, 8, 1300.0)), left=16_500.0),
                twin(both(CLOCK, drawn(1, every=1300.0)), came=5900.0, left=8600.0),
                twin(both(CLOCK, drawn(1, every=1300.0)), came=13_000.0, left=16_500.0),
            ),
            # What two newcomers are told, of whom neither stays for long.
            (
                reader(SLOW[:6], left=16_500.0),
                twin(SLOW, left=5000.0),
                twin(SLOW, came=6400.0, left=9100.0),
                twin(SLOW, came=12_400.0, left=15_100.0),
            ),
            # Known to be shared by what a third was told; comments go on.
            (
                reader([*feed(last=20), *((1000.0 * n, b":\n\n") for n in range(5, 16))], left=16_500.0),
                twin(feed(last=20)),
                twin(feed(), came=12_000.0, left=16_000.0),
            ),
        ),
        silent=(
            CAME_AT_ONCE[:7],  # one may be lost by chance
            (*CAME_AT_ONCE, COME_LATER[0]),  # too few to say that whoever comes is told something
            (*CAME_AT_ONCE[6:], *COME_LATER),  # nobody who came with them was told anything
            (*CAME_AT_ONCE, *(newly(n, 900.0) for n in range(4))),  # they wait for a while
            (*CAME_AT_ONCE[:5], *(at_once(n, 700.0, left=2000.0) for n in (5, 6)), *COME_LATER),  # we left too soon
            (reader(feed()),),
            (reader([]), twin([])),
            (reader(feed(last=40), left=8500.0), twin(feed(), came=7000.0, left=8600.0)),  # not silent for long
            (reader(feed(last=40), left=16_500.0, how="eof"), twin(feed(), came=12_000.0, left=16_000.0)),
            # History for a newcomer, and nothing new since.
            (
                reader(feed(last=40), left=16_500.0),
                twin([(12_100.0, b"".join(map(tick, range(90, 99))))], 12_000.0, 16_000.0),
            ),
            (
                reader(feed(last=9), left=16_500.0),
                twin([(12_000.0 + at, data) for at, data in feed(last=9)], 12_000.0, 16_000.0),
            ),
            # Each has a course of its own, which has ended; comments go on.
            told_as_they_come(courses=True),
            (
                reader([*own(0)[:20], *((1000.0 * n, b":\n\n") for n in range(5, 16))], left=16_500.0),
                twin(own(12_000.0, 1), came=12_000.0, left=16_000.0),
            ),
            (
                reader([*own(0)[:20], (4300.0, b'data: {"done": true}\n\n')], left=16_500.0),
                twin(own(12_000.0, 1), came=12_000.0, left=16_000.0),
            ),
        ),
    ),
}
