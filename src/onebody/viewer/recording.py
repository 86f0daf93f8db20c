"""Recording beside the stream: in a thread of its own, so that encoding delays no answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from onebody.inference.annotate import Annotator
from onebody.inference.events import Event
from onebody.inference.frame_queue import FrameQueue
from onebody.inference.prediction import Label, Prediction
from onebody.inference.record import Recorder
from onebody.types import Frames

WAITING = 8
"""Pictures that wait to be drawn and encoded; of more the oldest are left out of the video."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Page:
    """A picture with what is drawn on it."""

    picture: Frames
    time_s: float
    prediction: Prediction
    current: dict[str, Label | None]


class Recording:
    """An annotated video that grows while a stream runs.

    A fault (a full disk, say) ends the recording, is told, and leaves what was written; the stream
    goes on.

    Args:
        path: the new file.
        notice: a line in every picture.
        complain: gets what went wrong, from another thread.
    """

    def __init__(self, path: Path, notice: str, complain: Callable[[str], None]) -> None:
        self.path = path
        self._recorder, self._annotator = Recorder(path), Annotator(notice)
        self._complain = complain
        self._queue: FrameQueue[_Page] = FrameQueue(WAITING)
        self._thread = threading.Thread(target=self._run, name="onebody-recording")
        self._thread.start()

    def add(
        self, picture: Frames, prediction: Prediction, current: Mapping[str, Event | None]
    ) -> None:
        """Let a frame be drawn and encoded; never waits."""
        labels = {task: _as_label(event) for task, event in current.items()}
        time_s = float(prediction.times_s[0])
        self._queue.put(
            _Page(picture=picture, time_s=time_s, prediction=prediction, current=labels)
        )

    def close(self) -> tuple[int, int]:
        """Finish the file.

        Returns:
            How many pictures it holds, and how many were left out for want of time.
        """
        self._queue.close()
        self._thread.join()
        return self._recorder.written, self._queue.dropped

    def _run(self) -> None:
        try:
            with self._recorder:
                for page in self._queue:
                    drawn = self._annotator.draw(page.picture, page.prediction, page.current)
                    self._recorder.write(drawn, page.time_s)
        except (ValueError, OSError) as error:
            self._queue.close()
            self._complain(f"The recording has ended: {error}")


def _as_label(event: Event | None) -> Label | None:
    """Return an event as the drawing wants it."""
    if event is None:
        return None
    return Label(task=event.task, name=event.label, probability=event.confidence)
