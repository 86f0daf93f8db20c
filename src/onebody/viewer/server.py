"""The web application: the page's files, and a websocket on which pictures and answers go."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from fastapi import FastAPI, Response, WebSocket, WebSocketDisconnect
from fastapi.responses import FileResponse

from onebody.viewer.commands import (
    Again,
    Seen,
    Start,
    Stop,
    join_result,
    read_command,
    split_picture,
)
from onebody.viewer.guard import Guard
from onebody.viewer.hub import Client, Hub
from onebody.viewer.limits import Allowance, Limits

PAGE = Path(__file__).parent / "page"
"""Files of the page; each of them, and nothing else, can be asked for."""

KINDS = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}

REFUSED, TOO_LARGE, FULL = 1008, 1009, 1013
"""Codes with which a connection ends: against the rules, too large a message, no more room."""


class Rude(Exception):
    """A page does what no page of ours does.

    Attributes:
        code: with which its connection ends.
    """

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


def make_app(hub: Hub) -> FastAPI:
    """Make the application around a hub; its takes end when it is shut down."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await hub.close()

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(Guard)
    files = {path.name: path for path in PAGE.iterdir() if path.suffix in KINDS}

    @app.get("/")
    async def index() -> FileResponse:
        return FileResponse(files["index.html"], media_type=KINDS[".html"])

    @app.get("/page/{name}")
    async def part(name: str) -> Response:
        path = files.get(name)
        if path is None:
            return Response("There is no such file.", 404, media_type="text/plain")
        return FileResponse(path, media_type=KINDS[path.suffix])

    @app.websocket("/live")
    async def live(socket: WebSocket) -> None:
        await socket.accept()
        client = hub.join()
        if client is None:
            await socket.close(FULL, "Too many pages are open. Close one of them.")
            return
        try:
            await _serve(socket, hub, client)
        finally:
            hub.leave(client)

    return app


async def _serve(socket: WebSocket, hub: Hub, client: Client) -> None:
    """Talk with a page until either side has enough."""
    sending = asyncio.create_task(_send(socket, hub, client))
    try:
        await _listen(socket, hub, client)
    except WebSocketDisconnect:
        pass
    except Rude as error:
        with suppress(RuntimeError, WebSocketDisconnect):  # it may have gone
            await socket.close(error.code, str(error))
    finally:
        sending.cancel()
        with suppress(asyncio.CancelledError, WebSocketDisconnect, RuntimeError):
            await sending


async def _send(socket: WebSocket, hub: Hub, client: Client) -> None:
    """Send what waits for a page; only this page waits where it reads slowly."""
    while True:
        item = await client.outbox.next()
        if isinstance(item, str):
            await socket.send_text(item)
        else:
            await socket.send_bytes(join_result(*hub.message(client, item)))


async def _listen(socket: WebSocket, hub: Hub, client: Client) -> None:
    """Take in what a page sends.

    Raises:
        Rude: if it sends too much, or again and again what cannot be read.
        WebSocketDisconnect: when it goes.
    """
    limits, now = hub.studio.limits, time.monotonic()
    pictures, texts = Allowance(limits.pictures_per_s, now), Allowance(limits.texts_per_s, now)
    bad = 0
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1000))
        data, text = message.get("bytes"), message.get("text")
        if not (texts if data is None else pictures).take(time.monotonic()):
            raise Rude(REFUSED, "Too many messages per second.")
        try:
            if data is not None:
                _take_picture(hub, client, data, limits)
            else:
                _obey(hub, client, text or "", limits)
            bad = 0
        except ValueError:
            bad += 1
            if bad >= limits.bad_messages:
                raise Rude(REFUSED, "Too many messages that cannot be read.") from None


def _take_picture(hub: Hub, client: Client, data: bytes, limits: Limits) -> None:
    """Pass a picture on."""
    if len(data) > limits.picture_bytes:
        raise Rude(TOO_LARGE, "The picture is too large.")
    hub.picture(client, *split_picture(data))


def _obey(hub: Hub, client: Client, text: str, limits: Limits) -> None:
    """Do what a page asks for."""
    command = read_command(text, limits.text_bytes)
    if isinstance(command, Seen):
        client.outbox.seen()
    elif isinstance(command, Start):
        hub.start(client)
    elif isinstance(command, Stop):
        hub.stop(client)
    elif isinstance(command, Again):
        hub.again(client)
