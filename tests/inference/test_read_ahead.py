"""Everything that a source gives comes in order; nothing is left running or open."""

from __future__ import annotations

import threading
import time

import pytest

from onebody.inference.read_ahead import read_ahead


def counting(count, told, error=None):
    """Yield numbers; tell which thread closed it."""
    try:
        for number in range(count):
            told.append(number)
            yield number
        if error is not None:
            raise error
    finally:
        told.append(threading.current_thread().name)


def test_all_items_come_in_order_and_the_reader_closes_its_source():
    told = []
    assert list(read_ahead(counting(50, told), 3)) == list(range(50))
    assert told == [*range(50), "onebody-read-ahead"]


def test_no_more_is_read_than_may_wait():
    told, gate = [], threading.Event()

    def source():
        for number in range(10):
            told.append(number)
            if number == 2:
                gate.set()
            yield number

    items = read_ahead(source(), 2)
    assert next(items) == 0  # taken: places for two more
    assert gate.wait(5)
    gate.wait(0.05)
    assert told == [0, 1, 2]
    assert list(items) == list(range(1, 10))


def test_who_has_nothing_to_read_does_something_with_what_waits():
    told, done, seen = [], [], threading.Event()

    def idle(number):
        done.append((number, threading.current_thread().name))
        if len(done) == 2:
            seen.set()

    items = read_ahead(counting(30, told), 2, idle)
    assert next(items) == 0
    assert seen.wait(5)
    assert list(items) == list(range(1, 30))
    numbers = [number for number, _ in done]
    assert numbers == sorted(set(numbers)), "each once"
    assert {name for _, name in done} == {"onebody-read-ahead"}


def test_what_idling_fails_with_is_raised():
    def idle(number):
        raise ValueError(f"cannot do with {number}")

    items = read_ahead(counting(30, []), 2, idle)
    with pytest.raises(ValueError, match="cannot do with"):
        all(time.sleep(0.01) is None for _ in items)


def test_what_a_source_fails_with_comes_after_its_last_item():
    told = []
    items = read_ahead(counting(3, told, ValueError("the file ends here")), 2)
    assert [next(items), next(items), next(items)] == [0, 1, 2]
    with pytest.raises(ValueError, match="the file ends here"):
        next(items)
    assert told[-1] == "onebody-read-ahead"


def test_who_stops_early_leaves_no_thread_behind():
    told = []
    items = read_ahead(counting(1000, told), 2)
    assert [next(items), next(items)] == [0, 1]
    items.close()
    assert told[-1] == "onebody-read-ahead"
    assert len(told) <= 6
    assert "onebody-read-ahead" not in {thread.name for thread in threading.enumerate()}


def test_something_must_be_allowed_to_wait():
    with pytest.raises(ValueError, match="1 or more items"):
        next(read_ahead(counting(3, []), 0))
