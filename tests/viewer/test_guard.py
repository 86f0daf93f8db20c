"""Names of this computer, and of others that look like it."""

from __future__ import annotations

import pytest

from onebody.viewer.guard import host_name, refusal


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("127.0.0.1:8321", "127.0.0.1"),
        ("LOCALHOST", "localhost"),
        ("localhost:x", ""),
        ("localhost:99999", ""),
        ("a@localhost", ""),
        ("localhost/x", ""),
        ("localhost?x", ""),
        ("[::1]:8321", "::1"),
        ("[", ""),
        ("", ""),
    ],
)
def test_names_are_read_whole(host, name):
    assert host_name(host) == name


def scope(kind, *headers):
    return {"type": kind, "headers": [(n, v.encode()) for n, v in headers]}


HERE = (b"host", "localhost:8321")


@pytest.mark.parametrize(
    ("request_", "refused"),
    [
        (scope("http", HERE), ""),
        (scope("http", HERE, (b"origin", "http://localhost:8321")), ""),
        (scope("http", HERE, (b"origin", "http://127.0.0.1:8321")), "another page"),
        (scope("http", HERE, HERE), "not this computer"),
        (scope("http"), "not this computer"),
        (scope("http", (b"host", "[::1]:8321")), "not this computer"),
        (scope("websocket", HERE), "one Origin"),
        (scope("websocket", HERE, (b"origin", "http://localhost:8321")), ""),
        (scope("websocket", HERE, (b"origin", "http://localhost:3000")), "another page"),
        (scope("websocket", HERE, (b"origin", "null")), "another page"),
        (scope("websocket", HERE, *[(b"origin", "http://localhost:8321")] * 2), "one Origin"),
    ],
)
def test_only_the_own_page_is_let_in(request_, refused):
    why = refusal(request_)
    assert refused in why
    assert bool(why) == bool(refused)
