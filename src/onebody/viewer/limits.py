"""What a page may ask of the server: sizes, rates and numbers, all bounded."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The bounds.

    Attributes:
        clients: pages at a time; a further one is turned away.
        connections: of any kind at a time, refused ones among them.
        picture_bytes: of a compressed picture; a longer message ends its connection.
        picture_side: longest side of a picture in pixels; it is read before anything is unpacked.
        text_bytes: of a command.
        pictures_per_s, texts_per_s: that a page may send; more ends its connection.
        bad_messages: that cannot be read, in a row, before the connection ends.
        waiting: results that wait for a page; of more the oldest are dropped.
        under_way: results that were sent and not yet acknowledged; then the page gets no more.
        shown_side: longest side in pixels of pictures that are sent to pages.
        events: of which a page that opens late still learns.
    """

    clients: int = 8
    connections: int = 64
    picture_bytes: int = 1 << 20
    picture_side: int = 1920
    text_bytes: int = 1024
    pictures_per_s: float = 120.0
    texts_per_s: float = 300.0
    bad_messages: int = 20
    waiting: int = 2
    under_way: int = 2
    shown_side: int = 960
    events: int = 200


class Allowance:
    """A rate with a little patience: so many per second, and one second's worth at once.

    Args:
        per_s: how many per second; must be positive.
        now_s: the time.
    """

    def __init__(self, per_s: float, now_s: float) -> None:
        if per_s <= 0:
            raise ValueError(f"A rate should be positive, found {per_s:g} per second.")
        self.per_s = per_s
        self._left, self._at = per_s, now_s

    def take(self, now_s: float) -> bool:
        """Use one up; return whether there was one."""
        self._left = min(self.per_s, self._left + max(now_s - self._at, 0.0) * self.per_s)
        self._at = max(now_s, self._at)
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True
