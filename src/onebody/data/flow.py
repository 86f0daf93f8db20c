"""Optical flow as a medium: how what a picture shows has moved since the frame before.

``flow/depth`` is the flow of ``depth``, ``flow/rgb/2`` that of the second view: no file holds it.
It is computed of the frames of a clip as the network would see them, cropped, turned and mirrored,
so that whatever augmentation does to pictures is done to their flow, and only what moves between
two frames that the network is shown counts. Depth and silhouettes are 0 where nobody is: there
nothing moves. OpenCV (the extra ``flow``) finds it, by dense inverse search.

Source: Kroeger, Timofte, Dai, Van Gool, "Fast Optical Flow using Dense Inverse Search", ECCV 2016.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from onebody.data.pixels import LUMA
from onebody.data.spec import FLOW, InputSpec
from onebody.data.table import SampleTable
from onebody.types import Floats, Frames

CHANNELS = 2
"""To the right, then downward."""

REACH = 1 / 8
"""Movement that is 1, as a part of the picture's side; faster ones count as much."""

LEAST_SIDE = 12
"""Pixels of a picture below which OpenCV finds no flow."""

NOTHING = 8
"""Depth and silhouettes up to which nothing is there: compression leaves traces beside a body."""

_ONE_AT_A_TIME = threading.Lock()


def is_flow(modality: str) -> bool:
    """Say whether a medium is the flow of another one."""
    return modality.startswith(FLOW)


def pictured(modality: str) -> str:
    """Return the medium whose pictures are read: of a flow what it is the flow of."""
    return modality.removeprefix(FLOW)


def with_flow(table: SampleTable, spec: InputSpec) -> SampleTable:
    """Return a table that has the flow of its pictures, too, where a network reads it.

    The medium is known by the same sources; it can be left out and hidden like any other.
    """
    wanted = [medium.modality for medium in spec.media if is_flow(medium.modality)]
    made = [n for n in wanted if n not in table.media and pictured(n) in table.media]
    if not made:
        return table
    rates = {n: table.rates[pictured(n)] for n in made if pictured(n) in table.rates}
    media = {n: table.media[pictured(n)] for n in made}
    return replace(table, media={**table.media, **media}, rates={**table.rates, **rates})


def drawn_alike(
    spec: InputSpec, generators: Sequence[list[np.random.Generator]]
) -> list[list[np.random.Generator]]:
    """Let flow draw the frames that its pictures draw, where these are read, too.

    Args:
        spec: what a network reads.
        generators: by medium, one for each row.
    """
    places = {medium.modality: number for number, medium in enumerate(spec.media)}
    return [
        deepcopy(generators[places.get(pictured(medium.modality), number)])
        if is_flow(medium.modality)
        else generators[number]
        for number, medium in enumerate(spec.media)
    ]


def shown_before(spec: InputSpec, number: int) -> int | None:
    """Return which medium before one holds the very pictures that it is the flow of; None: none.

    Args:
        spec: what a network reads.
        number: of the medium, in ``spec.media``.
    """
    medium = spec.media[number]
    if not is_flow(medium.modality):
        return None
    shown = medium.model_copy(update={"modality": pictured(medium.modality)})
    before = [other.model_copy(update={"also": ()}) for other in spec.media[:number]]
    return before.index(shown) if shown in before else None


def flow_of(pictures: Tensor) -> Tensor:
    """Return the flow of clips.

    Args:
        pictures: ``[B, C, T, S, S]`` in [0, 1], C 3 (RGB) or 1; S at least 12.

    Returns:
        ``[B, 2, T, S, S]`` in [-1, 1]: how far what is seen at a pixel has moved since the frame
        before, rightward and downward, 1 being `REACH` of the side. The first frame has none: 0.

    Raises:
        ImportError: without OpenCV.
        ValueError: of pictures that are too small.
    """
    clips, side = _as_grey(pictures.numpy()), pictures.shape[-1]
    out = np.zeros((len(clips), CHANNELS, *pictures.shape[2:]), np.float32)
    with _search(side) as search:
        for made, clip in zip(out, clips, strict=True):
            for number in range(1, len(clip)):
                made[:, number] = _moved(search, clip[number - 1], clip[number], pictures.shape[1])
    return torch.from_numpy(out)


class FlowSteps:
    """The flow of a stream, frame by frame; as of `flow_of`.

    Raises:
        ImportError: without OpenCV.
    """

    def __init__(self) -> None:
        _opencv()  # that it is missing is said before the stream begins
        self._before: Frames | None = None

    def step(self, frame: Floats, *, fresh: bool = False) -> Floats:
        """Return the flow since the frame before.

        Args:
            frame: ``[1, C, S, S]`` in [0, 1].
            fresh: whether it shows another window than the one before, so that nothing is known.

        Returns:
            ``[1, 2, S, S]`` in [-1, 1].
        """
        (grey,) = _as_grey(frame[:, :, None])[0]
        out = np.zeros((1, CHANNELS, *grey.shape), np.float32)
        if self._before is not None and not fresh:
            with _search(len(grey)) as search:
                out[0] = _moved(search, self._before, grey, frame.shape[1])
        self._before = grey
        return out


def flow_along(pieces: Iterable[Tensor]) -> Iterator[Tensor]:
    """Yield the flow ``[1, 2, n, S, S]`` of pieces ``[1, C, n, S, S]`` of one stream."""
    steps = FlowSteps()
    for piece in pieces:
        found = [steps.step(frame.numpy()) for frame in piece.unbind(2)]
        yield torch.from_numpy(np.stack(found, axis=2))


def _as_grey(pictures: Floats) -> Frames:
    """Turn pictures ``[B, C, T, S, S]`` into bytes of brightness ``[B, T, S, S]``."""
    grey = pictures[:, 0] if pictures.shape[1] == 1 else np.tensordot(pictures, LUMA, ([1], [0]))
    return np.ascontiguousarray(np.rint(grey * 255).clip(0, 255), np.uint8)


def _moved(search: Any, before: Frames, after: Frames, channels: int) -> Floats:
    """Return how far ``[2, S, S]`` what is seen has moved, at the places where it is now.

    That is the way back to the frame before, turned round.

    Args:
        search: finds flow.
        before: ``[S, S]`` brightness.
        after: the same of the next frame.
        channels: of the pictures; one: they are 0 where nothing is.
    """
    if np.array_equal(before, after):  # as in what is held, or black: nothing to search
        return np.zeros((CHANNELS, *after.shape), np.float32)
    back = search.calc(after, before, None)
    if channels == 1:  # smoothing spreads movement all over what is empty
        back *= (after > NOTHING)[..., None]
    return np.asarray(back.transpose(2, 0, 1) / (-REACH * len(after))).clip(-1, 1)


@contextmanager
def _search(side: int) -> Iterator[Any]:
    """Give what finds the flow of pictures of some side, on one thread.

    Of several threads each would have a part of the picture, and see nothing of its neighbors: the
    result would depend on how many there are.
    """
    if side < LEAST_SIDE:
        raise ValueError(
            f"Optical flow needs pictures of {LEAST_SIDE} pixels or more, found {side}. Set 'size'."
        )
    cv2 = _opencv()
    with _ONE_AT_A_TIME:  # the number of threads is that of the whole process
        threads = cv2.getNumThreads()
        cv2.setNumThreads(1)
        try:
            yield cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        finally:
            cv2.setNumThreads(threads)


def _opencv() -> ModuleType:
    """Return OpenCV.

    Raises:
        ImportError: where it is not installed.
    """
    try:
        import cv2
    except ModuleNotFoundError as error:
        raise ImportError("Optical flow needs OpenCV: pip install 'onebody[flow]'") from error
    return cv2
