"""Who is let in, what is bounded, and who pays for a page that does not read."""

from __future__ import annotations

import http.client
import io
import socket
import time

import numpy as np
import pytest
from fake_stream import FakeStream, jpeg_of, numbered_jpeg, running
from PIL import Image
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from onebody.data.picture import ArrayPicture
from onebody.inference.capture import CapturedFrame
from onebody.viewer.limits import Limits
from onebody.viewer.server import FULL, REFUSED, TOO_LARGE
from onebody.viewer.studio import Studio


def studio(**changes) -> Studio:
    """A studio whose network knows the answer."""
    return Studio(**{"make_stream": lambda h, w: FakeStream((h, w)), **changes})


@pytest.fixture(scope="module")
def server():
    with running(studio(limits=Limits(clients=3, bad_messages=4, picture_bytes=60_000))) as found:
        yield found


def ask(server, path="/", **headers):
    """Return the answer to a GET with these headers and no others."""
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    client.putrequest("GET", path, skip_host=True)
    for name, value in ({"Host": f"127.0.0.1:{server.port}"} | headers).items():
        client.putheader(name, value)
    client.endheaders()
    answer = client.getresponse()
    answer.body = answer.read()
    client.close()
    return answer


def closed(page) -> int:
    """Return the code with which a connection is ended."""
    try:
        while True:
            page.socket.recv(timeout=5)
    except ConnectionClosed as error:
        return error.rcvd.code


def test_the_page_asks_for_nothing_from_elsewhere(server):
    answer = ask(server)
    assert answer.status == 200
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["access-control-allow-origin"] is None
    for name in ("main.js", "style.css", "icon.svg"):
        assert f"/page/{name}".encode() in answer.body
        assert ask(server, f"/page/{name}").status == 200
        assert b"https:" not in ask(server, f"/page/{name}").body


@pytest.mark.parametrize(
    "path", ["/page/../server.py", "/page/%2e%2e/server.py", "/page/server.py", "/docs", "/page/"]
)
def test_only_files_of_the_page_are_served(server, path):
    assert ask(server, path).status == 404


@pytest.mark.parametrize("host", ["evil.example:80", "", "127.0.0.1.evil.example", "a@127.0.0.1"])
def test_a_foreign_name_is_refused(server, host):
    answer = ask(server, Host=host)
    assert answer.status == 403
    assert b"onebody" not in answer.body


def test_a_request_from_another_page_is_refused(server):
    assert ask(server, Origin="http://evil.example").status == 403
    assert ask(server, Origin=server.address).status == 200


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "http://localhost:1", "null", None, "https://127.0.0.1", "http://"],
)
def test_a_websocket_from_another_page_is_refused(server, origin):
    with pytest.raises(InvalidStatus, match="403"), server.join(origin=origin):
        pass
    assert not server.hub.clients


def test_a_renamed_server_opens_no_websocket(server):
    # what a browser sends once the owner of a name has pointed it here
    name = f"evil.example:{server.port}"
    for origin in (f"http://{name}", server.address):
        here = socket.create_connection(("127.0.0.1", server.port))
        page = pytest.raises(InvalidStatus, match="403")
        with page, connect(f"ws://{name}/live", sock=here, origin=origin):
            pass


def test_one_page_too_many_is_turned_away(server):
    with server.join() as first, server.join(), server.join():
        assert first.hear("hello")["source"] == "browser"
        with server.join() as late:
            assert closed(late) == FULL
    wait_until(lambda: not server.hub.clients)
    with server.join() as again:
        assert again.hear("status")["state"] == "idle"


def test_frames_go_round(server):
    with server.join() as page, server.join() as other:
        page.start()
        told, picture = page.look(7)
        assert (told["number"], told["width"], told["height"]) == (7, 64, 48)
        assert picture == b""  # it has its own
        assert told["poses"]["pose"]["joints"][9] == [32.0, 4.8, 0.9]
        assert told["classes"]["action"][0] == ["stand", 0.81]
        watched, picture = other.hear_all("frame")
        assert "number" not in watched
        with Image.open(io.BytesIO(picture)) as shown:
            assert shown.size == (64, 48)
        page.tell("stop")
        while page.hear("status")["yours"]:
            pass


def test_two_pages_do_not_share_a_network(server):
    with server.join() as page, server.join() as other:
        page.start()
        other.tell("start")
        assert "Another page" in other.hear("note")["text"]
        other.socket.send(numbered_jpeg(1))
        told, _ = page.look(2)
        assert told["number"] == 2
    with server.join() as later:  # a page that goes lets go of it
        later.start()
        assert later.look(1)[0]["number"] == 1


@pytest.mark.parametrize(
    "message",
    [
        b"\x00" * 100_000,
        numbered_jpeg(1, np.random.default_rng(0).bytes(100_000)),
        "x" * 100_000,
    ],
)
def test_a_large_message_ends_its_connection_alone(server, message):
    with server.join() as good, server.join() as bad:
        bad.socket.send(message)
        assert closed(bad) == TOO_LARGE
        good.start()
        assert good.look(1)[0]["number"] == 1


@pytest.mark.parametrize("message", [b"", b"\x01", "", "{}", "[" * 900, '{"do": "rm"}', "null"])
def test_garbage_is_borne_for_a_while(server, message):
    with server.join() as page:
        for _ in range(3):
            page.socket.send(message)
        page.start()  # a sound message: the count begins anew
        for _ in range(4):
            page.socket.send(message)
        assert closed(page) == REFUSED


@pytest.mark.parametrize("jpeg", [b"no picture", jpeg_of()[:-300], b"\xff\xd8" + bytes(300)])
def test_a_picture_that_is_none_is_left_out(server, jpeg):
    with server.join() as page:
        page.start()
        page.socket.send(numbered_jpeg(1, jpeg))
        assert "no whole JPEG" in page.hear("note")["text"]
        assert page.look(2)[0]["number"] == 2


def test_a_huge_or_tiny_picture_is_left_out(server):
    with server.join() as page:
        page.start()
        page.socket.send(numbered_jpeg(1, jpeg_of(8, 2000)))
        assert "2000 x 8" in page.hear("note")["text"]
        page.socket.send(numbered_jpeg(2, jpeg_of(1, 1)))
        assert "nobody can be seen" in page.hear("note")["text"]
        assert page.look(3, jpeg_of(96, 64))[0]["height"] == 96  # another size: no trouble


def test_a_flood_ends_its_connection():
    with running(studio(limits=Limits(texts_per_s=20.0))) as server, server.join() as page:
        for _ in range(25):
            page.tell("seen")
        assert closed(page) == REFUSED


class Endless:
    """A camera that shows noise, which no codec makes small."""

    def __init__(self, count=10_000, wait_s=0.005) -> None:
        self.count, self.wait_s = count, wait_s
        self.picture = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)

    def __iter__(self):
        for number in range(self.count):
            time.sleep(self.wait_s)
            yield CapturedFrame(
                picture=ArrayPicture(self.picture),
                time_s=number * 0.1,
                number=number,
                decode_ms=0.0,
                taken_s=time.monotonic(),
            )


def test_a_page_that_does_not_read_costs_only_itself():
    source = studio(capture=Endless(), source="camera", name="noise")
    with running(source) as server, server.join() as good, server.join() as stuck:
        stuck.hear("hello")  # and nothing more
        begin, numbers = time.monotonic(), []
        while len(numbers) < 40:
            told, picture = good.hear_all("frame")
            assert len(picture) > 100_000
            numbers.append(told["time_s"])
            good.tell("seen")
        passed = time.monotonic() - begin
        assert passed < 20  # a stuck one would stop it for good
        assert numbers == sorted(set(numbers))
        boxes = [client.outbox for client in server.hub.clients]
        behind = max(boxes, key=lambda box: box.dropped)
        assert behind.dropped > 20
        assert len(behind._results) <= 2


def test_a_page_that_is_behind_sees_the_newest_and_misses_no_event():
    source = studio(capture=Endless(count=60, wait_s=0.004), source="file", name="noise.mp4")
    with running(source) as server, server.join() as page:
        first, second = page.hear("frame"), page.hear("frame")
        assert first["time_s"] < second["time_s"]
        while (status := page.hear("status"))["state"] != "ended":
            pass
        page.tell("seen")
        last = page.hear("frame")
        assert last["time_s"] >= 5.7
        assert last["skipped"] > 0
        assert status["said"] == ""
        with server.join() as late:
            late.hear("status")
        page.tell("again")
        page.hear("clear")
        assert page.hear("status")["state"] == "live"


def test_events_of_a_file_are_told_whole():
    source = studio(capture=Endless(count=45, wait_s=0.01), source="file", name="noise.mp4")
    events = {}
    with running(source) as server, server.join() as page:
        while page.hear("status")["state"] == "ended":
            pass
        end = time.monotonic() + 10
        while time.monotonic() < end and len(events) < 2:
            told, _ = page.hear_all("frame")
            page.tell("seen")
            events |= {event["number"]: event for event in told["events"]}
    assert [event["label"] for event in events.values()] == ["wave", "wave"]
    assert 1.0 <= events[1]["start_s"] < 2.0 <= events[1]["end_s"] < 3.0 <= events[2]["start_s"]


class Failing(Endless):
    """A file that is damaged after a few frames."""

    def __iter__(self):
        yield from super().__iter__()
        raise ValueError("film.mp4: damaged after 5 frames")


def test_a_source_that_fails_is_explained():
    source = studio(capture=Failing(count=5), source="file", name="film.mp4")
    with running(source) as server, server.join() as page:
        while (status := page.hear("status"))["state"] != "ended":
            pass
        assert status["said"] == "film.mp4: damaged after 5 frames"
    assert server.said == ["film.mp4: damaged after 5 frames"]


def wait_until(found, seconds=5.0):
    end = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < end
        time.sleep(0.01)
