"""Pages and takes: who sends pictures, who gets what came of them.

Everything here runs in the server's event loop; takes, which have threads of their own, hand over
what they have to say.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from onebody import __version__
from onebody.skeletons import SKELETONS
from onebody.viewer.event_log import EventLog
from onebody.viewer.looks import Look, Shot, told_skeleton
from onebody.viewer.outbox import Outbox
from onebody.viewer.studio import Ended, Studio, Take, Told, Trouble

State = Literal["idle", "live", "ended"]

MENTION_S = 1.0
"""Trouble is told to whoever runs the server once in so long."""


@dataclass(eq=False)
class Client:
    """A page.

    Attributes:
        outbox: what waits for it.
        change: the latest change of the event log that it knows.
    """

    outbox: Outbox[Look]
    change: int = 0


class Hub:
    """Joins pages and takes; one take at a time, one page at most sends pictures.

    Args:
        studio: says what is done with pictures.
        say: gets what pages are told of a take's end and of trouble, for whoever runs the server.
    """

    def __init__(self, studio: Studio, say: Callable[[str], None]) -> None:
        self.studio, self._say = studio, say
        self.clients: set[Client] = set()
        self.holder: Client | None = None
        self.log = EventLog(studio.limits.events)
        self._takes: set[Take] = set()
        self._take: Take | None = None
        self._number = 0
        self._state: State = "idle"
        self._said = ""
        self._began_s = time.monotonic()
        self._mentioned_s = -MENTION_S
        self._loop: asyncio.AbstractEventLoop | None = None

    def join(self) -> Client | None:
        """Let a page in; None: there are too many."""
        self._loop = asyncio.get_running_loop()
        limits = self.studio.limits
        if len(self.clients) >= limits.clients:
            return None
        client = Client(Outbox(limits.waiting, limits.under_way))
        self.clients.add(client)
        client.outbox.note(json.dumps(self._hello()))
        client.outbox.note(self._status(client))
        if self.studio.capture is not None and self._number == 0:
            self._begin(None)  # a file waits for the first page, which sees it from its beginning
        return client

    def leave(self, client: Client) -> None:
        """Let a page go; the camera that it held is free."""
        self.clients.discard(client)
        if client is self.holder:
            self._end()

    def start(self, client: Client) -> None:
        """Let a page send pictures of its camera."""
        if self.studio.capture is not None:
            self._note(client, f"Pictures come from {self.studio.name}.")
        elif self.holder is not None and self.holder is not client:
            self._note(client, "Another page is using its camera. Stop it there first.")
        elif self.holder is None:
            self._begin(client)

    def stop(self, client: Client) -> None:
        """End what a page began."""
        if client is self.holder:
            self._end()

    def again(self, client: Client) -> None:
        """Play a file from its beginning, or open a camera anew, once it has ended."""
        if self.studio.capture is None:
            self._note(client, "There is no file to play.")
        elif self._state != "live":
            self.log = EventLog(self.studio.limits.events)
            for each in self.clients:
                each.change = 0
            self._tell_all({"type": "clear"})
            self._begin(None)

    def picture(self, client: Client, number: int, jpeg: bytes) -> None:
        """Take in a picture; those of pages that have not started are left out."""
        if client is self.holder and self._take is not None:
            now = time.monotonic()
            self._take.shots.put(
                Shot(number=number, time_s=now - self._began_s, arrived_s=now, jpeg=jpeg)
            )

    def message(self, client: Client, look: Look) -> tuple[str, bytes]:
        """Return a result as one page gets it: the JSON text, and the picture if it needs it."""
        own = client is self.holder and self.studio.source == "browser"
        events, client.change = self.log.since(client.change), self.log.change
        told = {"type": "frame", **look.told, "events": events, "skipped": client.outbox.dropped}
        if own:
            told["number"] = look.number
        shown = b"" if own and not look.for_sender else look.jpeg
        return json.dumps(told, allow_nan=False, separators=(",", ":")), shown

    async def close(self) -> None:
        """End everything and wait for it; recordings are finished then."""
        takes = self.stop_takes()
        for take in takes:
            await asyncio.to_thread(take.join)
        await asyncio.sleep(0)  # so that what they said at last is heard

    def stop_takes(self) -> list[Take]:
        """Let all takes end; returns them at once."""
        takes = list(self._takes)
        self._end()
        for take in takes:
            take.stop()
        return takes

    def hear(self, take: Take, told: Told) -> None:
        """Take in what a take has to say; called from its threads."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._hear, take, told)

    def _hear(self, take: Take, told: Told) -> None:
        if isinstance(told, Look):
            self.log.tell(told.started, told.ended, told.current)
            if take is self._take:
                for client in self.clients:
                    client.outbox.put(told)
        elif isinstance(told, Trouble):
            self._mention(told.text)
            self._tell_all({"type": "note", "text": told.text})
        else:
            self._takes.discard(take)
            self.log.tell((), told.ended)
            if take is self._take:
                self._take = self.holder = None
            self._over(told)

    def _mention(self, text: str) -> None:
        """Say that there was trouble; a page that sends nothing but trouble fills no terminal."""
        now = time.monotonic()
        if now - self._mentioned_s >= MENTION_S:
            self._mentioned_s = now
            self._say(text)

    def _over(self, told: Ended) -> None:
        """Say that a take has ended, unless another one has begun."""
        self._said = " ".join(part for part in (told.why, told.said) if part)
        if self._said:
            self._say(self._said)
        if self._take is None:
            self._state = "idle" if self.studio.capture is None else "ended"
        for client in self.clients:
            client.outbox.note(self._events(client))
        self._tell_status()

    def _begin(self, holder: Client | None) -> None:
        self._number += 1
        self.holder, self._state, self._said = holder, "live", ""
        self._take = Take(self.studio, self._number, self.hear)
        self._takes.add(self._take)
        self._take.start()
        self._tell_status()

    def _end(self) -> None:
        """Let the take end; it tells when it has."""
        self.holder = None
        if self._take is not None:
            self._take.stop()
            self._take = None
            self._state = "idle" if self.studio.capture is None else "ended"
            self._tell_status()

    def _hello(self) -> dict[str, Any]:
        """Return what a page must know from the beginning."""
        studio = self.studio
        return {
            "type": "hello",
            "version": __version__,
            "source": studio.source,
            "name": studio.name,
            "notice": studio.notice,
            "model": studio.model,
            "tasks": studio.tasks,
            "space": studio.space,
            "blur": studio.blur,
            "record": studio.record.name if studio.record else "",
            "skeletons": {name: told_skeleton(name) for name in SKELETONS},
        }

    def _events(self, client: Client) -> str:
        events, client.change = self.log.since(client.change), self.log.change
        return json.dumps({"type": "events", "events": events})

    def _status(self, client: Client) -> str:
        return json.dumps(
            {
                "type": "status",
                "state": self._state,
                "yours": client is self.holder,
                "said": self._said,
            }
        )

    def _tell_status(self) -> None:
        for client in self.clients:
            client.outbox.note(self._status(client))

    def _tell_all(self, message: dict[str, Any]) -> None:
        for client in self.clients:
            client.outbox.note(json.dumps(message))

    def _note(self, client: Client, text: str) -> None:
        client.outbox.note(json.dumps({"type": "note", "text": text}))
