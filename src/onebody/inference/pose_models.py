"""Pose networks of others, as ONNX files: pictures in, joints in source pixels out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from onebody.inference.pose_decode import Cells, PoseOutput, Scale, decode, find_output
from onebody.types import Floats, Frames

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
BATCH = 16

Box = tuple[float, float, float, float]
"""x0, y0, width and height in source pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoseNetworkOptions:
    """What an ONNX file does not say of itself.

    Attributes:
        output: which outputs hold the pose; none: the only ones that can.
        size: height and width of the input, where the file leaves them open.
        mean, std: of the colors, as fractions of white, in the order red, green, blue.
        bgr: does the network want blue first?
        cells: where a cell of a heat map lies, see `onebody.inference.pose_decode`.
        coordinates: what coordinates count.
        box_scale: how much larger than a given box the picture of a person is.
    """

    output: tuple[str, ...] = ()
    size: tuple[int, int] | None = None
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    bgr: bool = False
    cells: Cells = "corner"
    coordinates: Scale = ""
    box_scale: float = 1.25


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PoseNetwork:
    """A pose network.

    Attributes:
        session: ONNX Runtime's.
        input: name of its input.
        channels_last: is the input ``[N, H, W, 3]``?
        batched: does it take several pictures at once?
        size: height and width of the input.
        output: where the pose is.
        options: the rest.
    """

    session: Any
    input: str
    channels_last: bool
    batched: bool
    size: tuple[int, int]
    output: PoseOutput
    options: PoseNetworkOptions

    def joints(
        self, pictures: Sequence[Frames], boxes: Sequence[Box | None]
    ) -> tuple[Floats, Floats | None]:
        """Find the joints of one person in each picture.

        Args:
            pictures: N pictures ``[H, W, 3]``.
            boxes: where the person is; None: anywhere in the picture.

        Returns:
            ``[N, J, 2]`` joints in source pixels, NaN where missing, and ``[N, J]`` scores or None.
        """
        step = BATCH if self.batched else 1
        parts = [
            self._run(pictures[i : i + step], boxes[i : i + step])
            for i in range(0, len(pictures), step)
        ]
        scores = [part for _, part in parts if part is not None]
        return np.concatenate([part for part, _ in parts]), np.concatenate(
            scores
        ) if scores else None

    def _run(
        self, pictures: Sequence[Frames], boxes: Sequence[Box | None]
    ) -> tuple[Floats, Floats | None]:
        """Look at as many pictures as fit at once."""
        crops = [
            _window(picture, box, self.size, self.options.box_scale)
            for picture, box in zip(pictures, boxes, strict=True)
        ]
        shown = np.stack([_crop(p, c, self.size) for p, c in zip(pictures, crops, strict=True)])
        values = self.session.run(list(self.output.names), {self.input: self._to_input(shown)})
        options = self.options
        joints, scores = decode(
            self.output,
            tuple(np.asarray(value, np.float32) for value in values),
            self.size,
            options.cells,
            options.coordinates,
        )
        windows = np.array(crops, np.float32)[:, None]  # [N, 1, 4]
        sides = np.array(self.size[::-1], np.float32)
        return windows[..., :2] + joints * windows[..., 2:] / sides, scores

    def _to_input(self, pictures: Frames) -> Floats:
        """Normalize ``[N, H, W, 3]`` pictures."""
        mean, std = (np.array(v, np.float32) for v in (self.options.mean, self.options.std))
        values = ((pictures / np.float32(255)) - mean) / std
        values = values[..., ::-1] if self.options.bgr else values
        return np.ascontiguousarray(values if self.channels_last else values.transpose(0, 3, 1, 2))


def load_pose_network(path: Path, joints: int, options: PoseNetworkOptions) -> PoseNetwork:
    """Open an ONNX file and find out what it takes and gives.

    Args:
        path: the file.
        joints: J of the layout that the network finds.
        options: what the file does not say.

    Raises:
        ImportError: if ONNX Runtime is not installed.
        ValueError: if the file is no ONNX network, its input no picture, or its output no pose (or
            several).
    """
    _check(options)
    session = _open(path)
    inputs = session.get_inputs()
    shape = list(inputs[0].shape)
    if len(inputs) != 1 or len(shape) != 4 or inputs[0].type != "tensor(float)":
        found = ", ".join(f"{i.name} {i.type} {i.shape}" for i in inputs)
        raise ValueError(
            f"{path}: expected one input of float pictures [N, 3, H, W] or [N, H, W, 3], found "
            f"{found}. Export the network without its pre-processing."
        )
    last = shape[3] == 3 and shape[1] != 3
    sides = shape[1:3] if last else shape[2:4]
    if shape[3 if last else 1] != 3:
        raise ValueError(f"{path}: expected pictures of 3 channels, found an input {shape}.")
    size = options.size or tuple(sides)
    stated = [s if isinstance(s, int) else own for s, own in zip(sides, size, strict=True)]
    if not all(isinstance(s, int) for s in size) or tuple(stated) != size:
        raise ValueError(
            f"{path}: expected the size of the input, found {sides} in the file and "
            f"{options.size or 'none'} stated. Say it: --input-size 192x256 (width x height)."
        )
    blank = np.zeros((1, *size, 3) if last else (1, 3, *size), np.float32)
    try:
        shapes = _output_shapes(session, {inputs[0].name: blank})
        output = find_output(shapes, joints, size, options.output)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    if output.kind == "coordinates" and not options.coordinates:
        raise ValueError(
            f"{path}: expected to be told what its coordinates count, found nothing. Say "
            "--coordinates pixels (of its input) or --coordinates fractions."
        )
    return PoseNetwork(
        session=session,
        input=inputs[0].name,
        channels_last=last,
        batched=not isinstance(shape[0], int),
        size=size,
        output=output,
        options=options,
    )


def _open(path: Path) -> Any:
    """Open a session on the CPU."""
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError("Running ONNX networks needs: pip install 'onebody[export]'") from error
    if not path.is_file():
        raise ValueError(f"{path}: expected an ONNX file, found none.")
    try:
        return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime has its own kinds for damaged and unknown networks
        raise ValueError(f"{path}: expected an ONNX network, found: {error}.") from None


def _output_shapes(session: Any, blank: dict[str, Floats]) -> dict[str, tuple[int, ...]]:
    """Run a network on one blank picture; return the shapes of what it puts out."""
    names = [output.name for output in session.get_outputs()]
    try:
        values = session.run(names, blank)
    except Exception as error:  # the runtime has kinds of its own
        raise ValueError(
            f"expected a network that takes one picture at a time, found: {error}. Export it with "
            "an open number of pictures."
        ) from None
    return {name: np.shape(value) for name, value in zip(names, values, strict=True)}


def _check(options: PoseNetworkOptions) -> None:
    """Refuse colors that cannot be meant."""
    for name, values in (("--mean", options.mean), ("--std", options.std)):
        if len(values) != 3 or not all(0 <= v <= 1 for v in values):
            raise ValueError(
                f"{name}: expected three fractions of white (0.485,0.456,0.406), found {values}. "
                "Divide values of 0 to 255 by 255."
            )
    if min(options.std) <= 0 or not 0.1 <= options.box_scale <= 10:
        raise ValueError(
            f"Expected --std above 0 and --box-scale in 0.1 to 10, found {options.std} and "
            f"{options.box_scale}."
        )


def _window(
    picture: Frames, box: Box | None, size: tuple[int, int], box_scale: float
) -> tuple[int, int, int, int]:
    """Return x0, y0, width and height of the part of a picture that the network sees.

    It has the input's shape, so that nobody is stretched; what lies outside the picture is black.
    """
    height, width = picture.shape[:2]
    x, y, w, h = (0.0, 0.0, width, height) if box is None else box
    scale = 1.0 if box is None else box_scale
    aspect = size[1] / size[0]
    tall = max(h, w / aspect) * scale
    rows, columns = max(1, round(tall)), max(1, round(tall * aspect))
    return round(x + w / 2 - columns / 2), round(y + h / 2 - rows / 2), columns, rows


def _crop(picture: Frames, window: tuple[int, int, int, int], size: tuple[int, int]) -> Frames:
    """Cut a window out of a picture at the input's size."""
    x, y, columns, rows = window
    part = Image.fromarray(picture).crop((x, y, x + columns, y + rows))
    return np.asarray(part.resize(size[::-1], Image.Resampling.BILINEAR))
