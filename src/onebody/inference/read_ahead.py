"""Reading ahead: a source is read in a thread of its own while what it gave before is used.

Nothing is dropped, as `onebody.inference.frame_queue` drops frames of what is live: whoever is
slow is waited for. FFmpeg decodes without holding Python's lock, so decoding costs no time but its
own processor's.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator
from queue import SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")


def read_ahead(
    source: Generator[T, None, None], count: int, idle: Callable[[T], None] | None = None
) -> Generator[T, None, None]:
    """Yield what a source yields, in order, read in a thread of its own.

    The source is closed in that thread: after its last item, or when the caller stops asking and
    closes this generator, which waits for the item that is just being read.

    Args:
        source: not yet begun.
        count: most items that wait to be taken.
        idle: what may be done with an item that waits, once, in the thread that reads and only
            while it has nothing to read; what it raises comes before the items that follow.

    Raises:
        ValueError: if nothing may wait.
        BaseException: what the source failed with, after its last item.
    """
    if count < 1:
        raise ValueError(f"Expected 1 or more items to be read ahead, found {count}.")
    reader = _Reader(source, count, idle)
    reader.start()
    try:
        while True:
            found = reader.items.get()
            if not isinstance(found, _Item):
                break
            found.taken = True
            reader.places.release()
            yield found.value
        if found is not None:
            raise found
    finally:
        reader.stop()


class _Item(Generic[T]):
    """What was read; tells it from the end (None) and from what was raised."""

    __slots__ = ("taken", "value")

    def __init__(self, value: T) -> None:
        self.value = value
        self.taken = False


class _Reader(threading.Thread, Generic[T]):
    """Reads a source as far ahead as there are places.

    Attributes:
        items: what was read; last what was raised, or None.
        places: one for each item that may wait.
    """

    def __init__(
        self,
        source: Generator[T, None, None],
        count: int,
        idle: Callable[[T], None] | None,
    ) -> None:
        super().__init__(name="onebody-read-ahead", daemon=True)
        self.items: SimpleQueue[_Item[T] | BaseException | None] = SimpleQueue()
        self.places = threading.Semaphore(count)
        self._source = source
        self._idle = idle
        self._waiting: deque[_Item[T]] = deque(maxlen=count)  # with which nothing is done yet
        self._stopped = False

    def run(self) -> None:
        """Read until the end, a fault, or `stop`."""
        last: BaseException | None = None
        try:
            while not self._stopped:
                self._wait()
                if self._stopped:
                    break
                item = _Item(next(self._source))
                self._waiting.append(item)
                self.items.put(item)
        except StopIteration:
            pass
        except BaseException as error:
            last = error
        finally:
            self._source.close()
            self.items.put(last)

    def _wait(self) -> None:
        """Wait for a place; meanwhile do with the items that wait what may be done with them."""
        if self._idle is None:
            self.places.acquire()
            return
        while not self.places.acquire(blocking=False):
            if not self._waiting:
                self.places.acquire()
                return
            item = self._waiting.popleft()
            if not item.taken:
                self._idle(item.value)

    def stop(self) -> None:
        """Read no more, and wait until the source is closed."""
        self._stopped = True
        self.places.release()
        self.join()
