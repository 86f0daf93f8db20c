"""A page's queue is bounded, and the newest goes."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onebody.viewer.outbox import MOST_NOTES, Outbox


async def taken(outbox):
    """Return all that goes now."""
    found = []
    while True:
        try:
            found.append(await asyncio.wait_for(outbox.next(), 0.001))
        except TimeoutError:
            return found


def test_results_go_while_few_are_under_way():
    async def play():
        outbox = Outbox(2, 2)
        for number in range(6):
            outbox.put(number)
        assert outbox.dropped == 4
        assert await taken(outbox) == [4, 5]
        outbox.put(6)
        assert await taken(outbox) == []
        outbox.seen()
        assert await taken(outbox) == [6]
        outbox.note("hear")
        assert await taken(outbox) == ["hear"]  # notes wait for nobody

    asyncio.run(play())


def test_notes_are_bounded_too():
    async def play():
        outbox = Outbox(1, 1)
        for number in range(100):
            outbox.note(str(number))
        return await taken(outbox)

    assert asyncio.run(play()) == [str(n) for n in range(100 - MOST_NOTES, 100)]


def test_whoever_waits_is_woken():
    async def play():
        outbox = Outbox(1, 1)
        waiting = asyncio.create_task(outbox.next())
        await asyncio.sleep(0)
        outbox.put("late")
        return await asyncio.wait_for(waiting, 1)

    assert asyncio.run(play()) == "late"


@settings(max_examples=50)
@given(st.lists(st.sampled_from(["put", "next", "seen"]), max_size=60))
def test_order_is_kept_and_nothing_is_counted_twice(deeds):
    async def play():
        outbox, put, got = Outbox(3, 2), 0, []
        for deed in deeds:
            if deed == "put":
                outbox.put(put)
                put += 1
            elif deed == "seen":
                outbox.seen()
            elif outbox._results and outbox._under_way < 2:
                got.append(await outbox.next())
        assert got == sorted(set(got))
        assert len(got) + outbox.dropped + len(outbox._results) == put
        assert len(outbox._results) <= 3

    asyncio.run(play())


def test_it_waits_where_there_is_nothing():
    async def play():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(Outbox(1, 1).next(), 0.01)

    asyncio.run(play())
