"""`FrameQueue`: a bounded queue that drops the oldest frame rather than lag."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class QueueEmpty(Exception):
    """Nothing came in time; something may come yet."""


class FrameQueue(Generic[T]):
    """Passes frames from one thread to another; a full queue forgets its oldest one.

    Args:
        capacity: most frames that wait, at least 1. With 1 whoever reads always sees the newest.

    Raises:
        ValueError: if the capacity is less than 1.
    """

    def __init__(self, capacity: int) -> None:
        if not isinstance(capacity, int) or capacity < 1:  # 1.5 frames would never be too many
            raise ValueError(f"A queue holds at least 1 frame, found a capacity of {capacity!r}.")
        self.capacity = capacity
        self._waiting: deque[T] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._error: BaseException | None = None
        self._put = 0
        self._dropped = 0

    @property
    def put_count(self) -> int:
        """Frames that were put in so far."""
        return self._put

    @property
    def dropped(self) -> int:
        """Frames that nobody will see, because newer ones came before they were taken."""
        return self._dropped

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, frame: T) -> bool:
        """Add a frame; never waits.

        Returns:
            Whether it was taken: a closed queue takes none.
        """
        with self._changed:
            if self._closed:
                return False
            if len(self._waiting) == self.capacity:
                self._waiting.popleft()
                self._dropped += 1
            self._waiting.append(frame)
            self._put += 1
            self._changed.notify()
            return True

    def get(self, timeout_s: float | None = None) -> T | None:
        """Take the oldest frame that waits, and wait for one where none does.

        Args:
            timeout_s: longest wait; None: until one comes.

        Returns:
            The frame; None: the queue is closed and empty.

        Raises:
            QueueEmpty: if none came in time.
            BaseException: what the source of the frames failed with, after its last frame.
        """
        end = None if timeout_s is None else time.monotonic() + timeout_s
        with self._changed:
            while not self._waiting:
                if self._closed:
                    if self._error is not None:
                        raise self._error
                    return None
                left = None if end is None else end - time.monotonic()
                if left is not None and left <= 0:
                    raise QueueEmpty(f"No frame came within {timeout_s:g} s.")
                self._changed.wait(left)
            return self._waiting.popleft()

    def close(self, error: BaseException | None = None) -> None:
        """Take no more frames. Those that wait can still be taken.

        Args:
            error: why there are no more; raised in `get` after the last frame. The first close
                counts.
        """
        with self._changed:
            if not self._closed:
                self._closed, self._error = True, error
                self._changed.notify_all()

    def __iter__(self) -> Iterator[T]:
        """Yield frames until the queue is closed and empty."""
        while (frame := self.get()) is not None:
            yield frame


def feed(frames: Iterable[T], queue: FrameQueue[T]) -> threading.Thread:
    """Put frames into a queue from a thread of its own, and close it after the last.

    An error of the source is kept, and raised where the queue is read. The thread ends when the
    queue is closed by its reader, at the next frame.

    Returns:
        The thread, started.
    """

    def run() -> None:
        try:
            for frame in frames:
                if not queue.put(frame):
                    break
        except Exception as error:
            queue.close(error)
        finally:
            queue.close()

    thread = threading.Thread(target=run, name="onebody-frames", daemon=True)
    thread.start()
    return thread
