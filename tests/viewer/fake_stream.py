"""A stream that says what was agreed before, and a server around it."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from dataclasses import dataclass, field

import numpy as np
import uvicorn
from websockets.sync.client import connect

from onebody.inference import ClassAnswer, PoseAnswer, Prediction
from onebody.inference.events import Event
from onebody.inference.stream import StreamFrame
from onebody.skeletons import get_skeleton
from onebody.viewer.commands import split_result
from onebody.viewer.hub import Hub
from onebody.viewer.jpeg import write_jpeg
from onebody.viewer.serve import make_server, open_port
from onebody.viewer.studio import Studio

LAYOUT = get_skeleton("mpii-16")

# A person with raised arms, in fractions of the picture.
STANDING = {
    "head_top": (0.5, 0.1), "upper_neck": (0.5, 0.22), "thorax": (0.5, 0.28),
    "pelvis": (0.5, 0.55), "l_shoulder": (0.58, 0.28), "r_shoulder": (0.42, 0.28),
    "l_elbow": (0.68, 0.24), "r_elbow": (0.33, 0.36), "l_wrist": (0.74, 0.12),
    "r_wrist": (0.27, 0.5), "l_hip": (0.55, 0.55), "r_hip": (0.45, 0.55),
    "l_knee": (0.57, 0.74), "r_knee": (0.43, 0.74), "l_ankle": (0.58, 0.93),
    "r_ankle": (0.42, 0.93),
}  # fmt: skip


def standing(height: int, width: int, sure: float = 0.9) -> np.ndarray:
    """Return ``[J, 3]`` the person in a picture's pixels."""
    places = np.array([STANDING[name] for name in LAYOUT.joints], np.float32)
    return np.column_stack([places * [width, height], np.full(len(LAYOUT), sure)]).astype(
        np.float32
    )


def in_space(joints: np.ndarray, height: int) -> np.ndarray:
    """Return ``[J, 4]`` in mm for ``[J, 3]`` in pixels: 1.8 m tall, arms towards the camera."""
    mm = (joints[:, :2] - joints[:, :2].mean(axis=0)) * (1800 / (0.83 * height))
    depth = np.array([2400 - 350 * ("wrist" in n) - 150 * ("elbow" in n) for n in LAYOUT.joints])
    return np.column_stack([mm, depth, joints[:, 2]]).astype(np.float32)


def said_of(
    joints: np.ndarray,
    size: tuple[int, int],
    time_s: float = 0.0,
    scores: dict[str, dict[str, float]] | None = None,
) -> Prediction:
    """Return a prediction of one frame."""
    measured = np.ones(1, np.bool_)
    return Prediction(
        source="fake",
        fps=30.0,
        size=size,
        times_s=np.array([time_s]),
        classes={
            task: ClassAnswer(
                classes=tuple(found),
                windows=np.array([[0, 1]]),
                scores=np.array([list(found.values())], np.float32),
            )
            for task, found in (scores or {}).items()
        },
        poses={
            "pose": PoseAnswer(
                skeleton=LAYOUT.name, unit="px", joints=joints[None], measured=measured
            ),
            "space": PoseAnswer(
                skeleton=LAYOUT.name,
                unit="mm",
                joints=in_space(joints, size[0])[None],
                measured=measured,
            ),
        },
    )


@dataclass
class FakeStream:
    """Sees the standing person in every picture, who waves every other second.

    Attributes:
        size: of the pictures.
        slow_s: how long an answer takes.
        sizes: what came in.
        move: added to the joints, in pixels.
    """

    size: tuple[int, int]
    slow_s: float = 0.0
    sure: float = 0.9
    seen: list[tuple[int, ...]] = field(default_factory=list)
    event: Event | None = None

    def push(self, frame, time_s, boxes=None, *, taken_s=None) -> StreamFrame:
        if min(frame.shape[:2]) < 8:
            raise ValueError("a picture in which nobody can be seen")
        time.sleep(self.slow_s)
        self.seen.append(frame.shape)
        size = frame.shape[:2]
        scores = {"action": {"stand": 0.81, "walk": 0.13, "sit": 0.06}}
        waves = int(time_s) % 2 == 1
        scores["gesture"] = {"wave": 0.92, "clap": 0.05} if waves else {"wave": 0.1, "clap": 0.2}
        started, ended = (), ()
        if waves and self.event is None:
            self.event = Event(
                task="gesture", label="wave", confidence=0.92, start_s=time_s, end_s=None,
                told_s=time_s,
                named_s=time_s,
            )  # fmt: skip
            started = (self.event,)
        elif not waves and self.event is not None:
            ended = tuple(self.finish(time_s))
        prediction = said_of(standing(*size, sure=self.sure), size, time_s, scores)
        return StreamFrame(
            prediction=prediction,
            people={0: prediction},
            current={"action": None, "gesture": self.event},
            started=started,
            ended=ended,
            stages_ms={"crop": 0.4, "network": 3.2},
            delay_s=0.004,
        )

    def finish(self, time_s: float = 99.0) -> list[Event]:
        if self.event is None:
            return []
        event, self.event = self.event, None
        return [
            Event(
                task=event.task, label=event.label, confidence=event.confidence,
                start_s=event.start_s, end_s=time_s, told_s=event.told_s, named_s=event.named_s,
            )
        ]  # fmt: skip


def jpeg_of(height: int = 48, width: int = 64) -> bytes:
    """Return a small picture."""
    return write_jpeg(np.full((height, width, 3), 90, np.uint8), 4096)


def numbered_jpeg(number: int, jpeg: bytes | None = None) -> bytes:
    """Return a message as pages send it."""
    return number.to_bytes(4, "little") + (jpeg_of() if jpeg is None else jpeg)


@contextlib.contextmanager
def running(studio: Studio, said: list[str] | None = None):
    """Run a server in a thread; yield its address, hub and port."""
    told = [] if said is None else said
    hub = Hub(studio, told.append)
    listening = open_port(0)
    server: uvicorn.Server = make_server(hub)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield Running(port=listening.getsockname()[1], hub=hub, said=told)
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()
        for take in hub.stop_takes():
            take.join()
        assert not thread.is_alive()


@dataclass
class Running:
    """A server.

    Attributes:
        port: of 127.0.0.1.
        hub: its pages and takes.
        said: what it has said.
    """

    port: int
    hub: Hub
    said: list[str]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def join(self, **options) -> Page:
        """Open a page that does nothing by itself."""
        options = {"origin": self.address, "max_size": 1 << 24, "compression": None, **options}
        return Page(connect(f"ws://127.0.0.1:{self.port}/live", **options))


class Page:
    """A page without a browser."""

    def __init__(self, opened) -> None:
        self.opened = opened

    def __enter__(self):
        self.socket = self.opened.__enter__()
        return self

    def __exit__(self, *error) -> None:
        self.opened.__exit__(*error)

    def tell(self, do: str) -> None:
        self.socket.send(json.dumps({"do": do}))

    def hear(self, kind: str, timeout: float = 5.0) -> dict:
        """Return the next message of a kind; others are passed over."""
        return self.hear_all(kind, timeout)[0]

    def hear_all(self, kind: str, timeout: float = 5.0) -> tuple[dict, bytes]:
        end = time.monotonic() + timeout
        while True:
            message = self.socket.recv(timeout=max(end - time.monotonic(), 0.01))
            if isinstance(message, str):
                text, jpeg = message, b""
            else:
                text, jpeg = split_result(message)
            told = json.loads(text)
            if told["type"] == kind:
                return told, jpeg

    def start(self) -> None:
        """Take hold of the camera."""
        self.tell("start")
        while not self.hear("status")["yours"]:
            pass

    def look(self, number: int, jpeg: bytes | None = None) -> tuple[dict, bytes]:
        """Send a picture and return what comes of it."""
        self.socket.send(numbered_jpeg(number, jpeg))
        told, picture = self.hear_all("frame")
        self.tell("seen")
        return told, picture
