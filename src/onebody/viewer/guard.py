"""Who may talk to the server: pages that it served itself, opened on this computer.

Binding to 127.0.0.1 keeps other computers out, but not the other pages in the same browser. A page
of another site may open a websocket to any address (its ``Origin`` gives it away), or may call
itself by a name that its owner points at 127.0.0.1 (its ``Host`` gives it away).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOCAL = frozenset({"127.0.0.1", "localhost"})
"""Names of this computer. Not ``[::1]``: the server does not listen there."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'"
)
"""The page loads nothing from elsewhere, runs no script but its own, and is shown in no frame."""

HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(self), microphone=(), geolocation=()"),
    (b"cache-control", b"no-store"),  # a page of an older version must not meet a newer server
)


class Guard:
    """Refuses what does not come from the server's own page; adds headers to what it answers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it with 403."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        why = refusal(scope)
        if why and scope["type"] == "websocket":
            await receive()  # the opening handshake
            await send({"type": "websocket.close", "code": 1008, "reason": why})
        elif why:
            await _refuse(send, why)
        else:
            await self.app(scope, receive, _with_headers(send))


def refusal(scope: Scope) -> str:
    """Return why a request is refused; empty: it is not.

    A websocket must say where it comes from: every browser does.
    """
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    origins = [value for name, value in scope["headers"] if name == b"origin"]
    host = hosts[0].decode("latin-1") if len(hosts) == 1 else ""
    if host_name(host) not in LOCAL:
        return f"Host {host!r} is not this computer: open http://127.0.0.1 with the port."
    if len(origins) > 1 or (scope["type"] == "websocket" and not origins):
        return "Expected one Origin, as browsers send it."
    if origins and origins[0].decode("latin-1") != f"http://{host}":
        return "The request comes from another page."
    return ""


def host_name(host: str) -> str:
    """Return the name in ``name:port``, lower case; empty where it is neither that nor a name."""
    try:
        parts = urlsplit(f"//{host}")
        plain = parts.netloc == host and "@" not in host and parts.port != 0
        return (parts.hostname or "") if plain else ""
    except ValueError:  # a port that is no number, an unclosed bracket
        return ""


def _with_headers(send: Send) -> Send:
    """Return ``send`` that adds `HEADERS` to an answer."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *HEADERS]}
        await send(message)

    return sending


async def _refuse(send: Send, why: str) -> None:
    """Answer 403."""
    headers = [(b"content-type", b"text/plain; charset=utf-8"), *HEADERS]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": why.encode("ascii", "replace")})
