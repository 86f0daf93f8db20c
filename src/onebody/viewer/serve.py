"""Run the server: a port of this computer alone, until somebody stops it."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn

from onebody.viewer.hub import Hub
from onebody.viewer.server import make_app
from onebody.viewer.studio import Studio

ADDRESS = "127.0.0.1"
"""Where it listens; there is no option for another: pictures of people stay on this computer."""

PING_S = 20.0
"""A page that does not answer for so long is gone."""

CLOSE_S = 3
"""How long connections are given to end."""


def open_port(port: int) -> socket.socket:
    """Return a socket that listens on a port of this computer.

    Args:
        port: 0: any that is free.

    Raises:
        OSError: if another program uses it.
    """
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((ADDRESS, port))
        listening.listen()  # whoever comes before the server runs waits a moment
    except OSError as error:
        listening.close()
        raise OSError(
            f"port {port} of {ADDRESS} cannot be used ({error.strerror}). Name another with "
            "--port, or 0 for any that is free."
        ) from None
    return listening


def address_of(listening: socket.socket) -> str:
    """Return what to open in a browser."""
    return f"http://{ADDRESS}:{listening.getsockname()[1]}"


def make_server(hub: Hub) -> uvicorn.Server:
    """Return the server, to be run with a socket of `open_port`."""
    limits = hub.studio.limits
    return uvicorn.Server(
        uvicorn.Config(
            make_app(hub),
            ws="websockets-sansio",  # reads no further before we have taken a message
            ws_max_size=limits.picture_bytes + 4,
            ws_ping_interval=PING_S,
            ws_ping_timeout=PING_S,
            ws_per_message_deflate=False,  # pictures are packed already
            limit_concurrency=limits.connections,
            timeout_graceful_shutdown=CLOSE_S,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
        )
    )


def serve(studio: Studio, listening: socket.socket, say: Callable[[str], None]) -> None:
    """Serve pages until the program is interrupted; takes and recordings are finished then.

    Args:
        studio: what is done with pictures.
        listening: of `open_port`; is closed at the end.
        say: gets what there is to tell whoever runs the program.
    """
    hub = Hub(studio, say)
    try:
        with listening:
            make_server(hub).run(sockets=[listening])
    finally:  # also where a second interruption has cut the shutdown short
        for take in hub.stop_takes():
            take.join()
