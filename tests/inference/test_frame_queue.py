"""A queue that never lags: bounded, drops the oldest, counts, and hands errors on."""

from __future__ import annotations

import threading
from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onebody.inference.frame_queue import FrameQueue, QueueEmpty, feed


@settings(max_examples=40)
@given(st.integers(1, 5), st.lists(st.booleans(), max_size=60))
def test_it_is_a_deque_that_forgets_its_oldest(capacity, puts):
    queue, model = FrameQueue(capacity), deque(maxlen=capacity)
    taken = 0
    for number, put in enumerate(puts):
        if put:
            assert queue.put(number)
            model.append(number)
        elif model:
            assert queue.get(0) == model.popleft()
            taken += 1
        else:
            with pytest.raises(QueueEmpty):
                queue.get(0)
        assert len(queue) == len(model) <= capacity
    assert queue.put_count == sum(puts) == taken + queue.dropped + len(queue)
    queue.close()
    assert list(queue) == list(model)


def test_threads_lose_nothing_but_what_is_counted():
    queue, seen = FrameQueue(3), []
    reader = threading.Thread(target=lambda: seen.extend(queue))
    reader.start()
    writers = [
        threading.Thread(target=lambda part=part: [queue.put((part, i)) for i in range(500)])
        for part in range(3)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    queue.close()
    reader.join()
    assert len(seen) + queue.dropped == queue.put_count == 1500
    assert len(set(seen)) == len(seen)
    for part in range(3):
        own = [i for p, i in seen if p == part]
        assert own == sorted(own)


def test_a_reader_that_waits_gets_what_comes():
    queue, seen = FrameQueue(1), []
    reader = threading.Thread(target=lambda: seen.append(queue.get()))
    reader.start()
    queue.put("frame")
    reader.join(5)
    assert seen == ["frame"]


def test_closing_wakes_whoever_waits():
    queue, seen = FrameQueue(1), []
    reader = threading.Thread(target=lambda: seen.append(queue.get()))
    reader.start()
    queue.close()
    reader.join(5)
    assert seen == [None]
    assert not queue.put(1)
    assert queue.put_count == 0


def frames(count, error=None):
    """Yield numbers, then fail."""
    yield from range(count)
    if error is not None:
        raise error


def test_what_a_source_fails_with_comes_after_its_last_frame():
    queue = FrameQueue(10)
    feed(frames(4, ValueError("the camera is gone")), queue).join(5)
    assert [queue.get() for _ in range(4)] == [0, 1, 2, 3]
    for _ in range(2):  # and stays
        with pytest.raises(ValueError, match="camera is gone"):
            queue.get()


def test_a_thread_that_feeds_ends_with_its_reader():
    def endless():
        while True:
            yield 0

    queue = FrameQueue(2)
    thread = feed(endless(), queue)
    queue.get(5)
    queue.close()
    thread.join(5)
    assert not thread.is_alive()


def test_the_newest_is_there_for_whoever_reads_slowly():
    queue = FrameQueue(1)
    feed(frames(100), queue).join(5)
    assert list(queue) == [99]
    assert queue.dropped == 99


@pytest.mark.parametrize("capacity", [0, 1.5, float("nan"), "2"])
def test_a_queue_of_no_whole_number_of_frames_is_refused(capacity):
    with pytest.raises(ValueError, match="at least 1 frame"):
        FrameQueue(capacity)
