"""What waits for one page: a little, and the newest of it."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")

MOST_NOTES = 32
"""Short texts that wait for a page; of more the oldest are dropped."""


class Outbox(Generic[T]):
    """Two queues for one page, both bounded, so that a page that stops reading costs only itself.

    Notes go first. Results go only while few are under way: sockets have buffers of megabytes, and
    a page that is behind would otherwise see what was seconds ago.

    For one event loop; nothing here waits but `next`.

    Args:
        waiting: results that wait; of more the oldest are dropped.
        under_way: results that were sent and not yet acknowledged.

    Attributes:
        dropped: results that the page will not see.
    """

    def __init__(self, waiting: int, under_way: int) -> None:
        self.dropped = 0
        self._notes: deque[str] = deque(maxlen=MOST_NOTES)
        self._results: deque[T] = deque()
        self._waiting, self._most, self._under_way = waiting, under_way, 0
        self._changed = asyncio.Event()

    def note(self, text: str) -> None:
        """Let a short text wait."""
        self._notes.append(text)
        self._changed.set()

    def put(self, result: T) -> None:
        """Let a result wait; the oldest one makes room."""
        if len(self._results) == self._waiting:
            self._results.popleft()
            self.dropped += 1
        self._results.append(result)
        self._changed.set()

    def seen(self) -> None:
        """Take note that the page has shown a result."""
        self._under_way = max(self._under_way - 1, 0)
        self._changed.set()

    async def next(self) -> str | T:
        """Return what is to be sent now; wait until there is something."""
        while True:
            if self._notes:
                return self._notes.popleft()
            if self._results and self._under_way < self._most:
                self._under_way += 1
                return self._results.popleft()
            self._changed.clear()
            await self._changed.wait()
