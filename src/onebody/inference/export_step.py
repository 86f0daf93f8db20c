"""A stream's step as an ONNX file, and a JSON description that says all one needs to run it.

::

    step.onnx   (frame, states) -> (outputs, states), fixed shapes, weights within
    step.json   names and shapes, what states begin with, classes, joints, how pictures are prepared
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import onebody
from onebody.data.flow import NOTHING, REACH, is_flow, pictured
from onebody.data.pixels import LUMA
from onebody.data.spec import DEPTH_RANGE_MM
from onebody.inference.onnx_runtimes import onnx_runtime, openvino, to_onnx
from onebody.inference.rate import learned_fps
from onebody.inference.runtimes import Precision
from onebody.inference.step import RuntimeStep, StepModule
from onebody.models import SavedNetwork
from onebody.models.fold import fold_norms
from onebody.skeletons import get_skeleton
from onebody.tasks import Task
from onebody.tasks.box import BoxTask
from onebody.tasks.classes import ClassTask
from onebody.tasks.pose import PoseTask
from onebody.types import Floats

FORMAT = "onebody-step"
VERSION = 1
MODEL, INT8, DESCRIPTION = "step.onnx", "step-int8.onnx", "step.json"
FRAME = "frame"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedStep:
    """A folder that `export_step` wrote.

    Attributes:
        folder: holds `MODEL` and `DESCRIPTION`.
        tasks: names of the outputs.
        begin: the states before the first frame.
        description: the JSON file's content.
    """

    folder: Path
    tasks: Sequence[str]
    begin: Sequence[Floats]
    description: Mapping[str, Any]


def fused_step(saved: SavedNetwork) -> StepModule:
    """Return a network's step in its form for inference: routes are plain, batch norms folded.

    Raises:
        ValueError: as of `StepModule`.
    """
    network = fold_norms(saved.network)  # a copy
    network.freeze()
    return StepModule(network, saved.input).eval()


def ports(module: StepModule) -> tuple[list[str], list[str]]:
    """Return the names of a step's inputs and outputs in a file."""
    inputs = [FRAME, *(f"state/{name}" for name in module.states)]
    return inputs, [*module.tasks, *(f"next/{name}" for name in module.states)]


def export_step(saved: SavedNetwork, folder: Path) -> ExportedStep:
    """Write a network's step.

    Args:
        saved: a causal network of pictures; it stays as it is.
        folder: made if need be; files of these names are replaced.

    Raises:
        ValueError: if the network cannot run on a stream; names the part.
        ModuleNotFoundError: without the extra ``export``.
    """
    module = fused_step(saved)
    folder.mkdir(parents=True, exist_ok=True)
    to_onnx(module, module.examples(), folder / MODEL, names=ports(module))
    description = describe(saved, module)
    text = json.dumps(description, indent=1, allow_nan=False)
    (folder / DESCRIPTION).write_text(text + "\n", encoding="utf-8")
    return read_step(folder)


def read_step(folder: Path) -> ExportedStep:
    """Read what `export_step` wrote.

    Raises:
        ValueError: if there is no such file, or it is damaged or of another version.
    """
    path = folder / DESCRIPTION
    if not path.is_file():
        raise ValueError(f"{path}: no such file; expected a folder of 'onebody export'.")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: damaged, not JSON: {error}. Export anew.") from None
    found = (content.get("format"), content.get("version")) if isinstance(content, dict) else None
    if found != (FORMAT, VERSION):
        raise ValueError(f"{path}: expected {FORMAT} {VERSION}, found {found}. Export anew.")
    return ExportedStep(
        folder=folder,
        tasks=list(content["tasks"]),
        begin=[_array(state) for state in content["states"]],
        description=content,
    )


def onnx_step(exported: ExportedStep, precision: Precision = "fp32") -> RuntimeStep:
    """Run an exported step by ONNX Runtime (fp32, int8)."""
    runtime = onnx_runtime(_file(exported, precision), precision)
    return RuntimeStep(runtime=runtime, tasks=exported.tasks, begin=exported.begin)


def openvino_step(exported: ExportedStep, precision: Precision = "fp32") -> RuntimeStep:
    """Run an exported step by OpenVINO (fp32, bf16, int8)."""
    runtime = openvino(_file(exported, precision), precision)
    return RuntimeStep(runtime=runtime, tasks=exported.tasks, begin=exported.begin)


def describe(saved: SavedNetwork, module: StepModule) -> dict[str, Any]:
    """Return the content of the JSON file."""
    spec, tasks = saved.input, saved.network.tasks
    return {
        "format": FORMAT,
        "version": VERSION,
        "onebody": onebody.__version__,
        "model": MODEL,
        "input": {
            "name": FRAME,
            "shape": list(module.frame_shape),
            "dtype": "float32",
            **_pixels(spec.modality, module.frame_shape[1]),
            "modality": spec.modality,
            "crop": spec.crop,
            "box_scale": spec.box_scale,
            "fps": learned_fps(saved),
        },
        "states": [
            {
                "name": name,
                "input": f"state/{name}",
                "output": f"next/{name}",
                "shape": list(value.shape),
                "begin": _begin(value),
            }
            for name, value in zip(module.states, module.begin, strict=True)
        ],
        "tasks": {name: _task(tasks[name]) for name in module.tasks},
        "depth": f"z = (Z - reference) / {DEPTH_RANGE_MM:.0f} mm + 0.5",
        "license": saved.notes.get("license"),
        "notes": {k: v for k, v in saved.notes.items() if k != "license"},
    }


def _pixels(modality: str, channels: int) -> dict[str, Any]:
    """Describe the numbers of a frame."""
    if not is_flow(modality):
        return {"range": [0.0, 1.0], "channels": "RGB" if channels == 3 else "grey"}
    red, green, blue = LUMA
    return {
        "range": [-1.0, 1.0],
        "channels": f"optical flow of {pictured(modality)} since the frame before: right, down",
        "unit": f"{REACH:g} of the crop's side, clipped; 0 in the first frame",
        "method": "OpenCV DISOpticalFlow, preset medium, one thread, from this frame to the last, "
        f"negated; of grey bytes ({red} R + {green} G + {blue} B, rounded); pictures of one "
        f"channel have none where they are {NOTHING} or less",
    }


def _task(task: Task) -> dict[str, Any]:
    """Describe an output."""
    plain: dict[str, Any] = {"kind": task.kind, "output": task.name}
    if isinstance(task, ClassTask):
        return {**plain, "values": "logits", "axes": "1, 1, class", "classes": list(task.classes)}
    if isinstance(task, PoseTask):
        skeleton = get_skeleton(task.skeleton)
        axes = "x, y, confidence" if task.dims == 2 else "x, y, z, confidence"
        return {
            **plain,
            "values": "joints",
            "axes": f"1, 1, joint, ({axes}); x and y are fractions of the crop",
            "skeleton": task.skeleton,
            "joints": list(skeleton.joints),
        }
    if isinstance(task, BoxTask):
        return {**plain, "values": "box", "axes": "1, 1, (x0, y0, x1, y1), fractions of the crop"}
    return plain


def _begin(value: Floats) -> Any:
    """Return an array as one number where it holds one, else as nested lists."""
    first = float(value.flat[0]) if value.size else 0.0
    return first if bool((value == first).all()) else value.tolist()


def _array(state: Mapping[str, Any]) -> Floats:
    """Return the array that a state begins with."""
    return np.broadcast_to(np.asarray(state["begin"], np.float32), state["shape"]).copy()


def _file(exported: ExportedStep, precision: Precision) -> Path:
    """Return the file to run at a precision."""
    return exported.folder / (INT8 if precision == "int8" else MODEL)
