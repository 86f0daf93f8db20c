"""How a `Prediction` is written and read: JSON, JSON lines, npz. Nothing is pickled."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from onebody.inference.place import PlaceAnswer
from onebody.inference.prediction import ClassAnswer, Label, PoseAnswer, Prediction, said
from onebody.inference.unusual_answer import UnusualAnswer
from onebody.types import Array

FORMAT = "onebody-prediction"
VERSION = 1

_UNUSUAL = ("windows", "scores", "limits")

_DTYPES = {
    "times_s": np.float64,
    "boxes": np.float64,
    "windows": np.int64,
    "scores": np.float32,
    "limits": np.float32,
    "joints": np.float32,
    "corners": np.float32,
    "measured": np.bool_,
}


def to_json(prediction: Prediction) -> str:
    """Return a prediction as one JSON text (see `Prediction.to_json`)."""
    header, arrays = _split(prediction)
    lists = {name: _plain(array) for name, array in arrays.items()}
    shapes = {name: list(array.shape) for name, array in arrays.items()}
    return json.dumps({**header, "shapes": shapes, "arrays": lists}, allow_nan=False)


def from_json(text: str) -> Prediction:
    """Read what `to_json` wrote.

    Raises:
        ValueError: if the text is something else.
    """
    try:
        header = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"A prediction should be JSON: {error}.") from None
    where = "JSON text"
    _check_header(header, where)
    try:
        arrays = {
            name: np.array(values, dtype=_dtype(name)).reshape(header["shapes"][name])
            for name, values in header["arrays"].items()
        }
        return _join(header, arrays)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{where}: not a whole prediction ({_reason(error)}).") from None


def save_npz(prediction: Prediction, path: Path) -> None:
    """Write a prediction into one npz file, whole or not at all."""
    header, arrays = _split(prediction)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            np.savez_compressed(file, header=np.array(json.dumps(header)), **arrays)  # type: ignore[arg-type]
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def load_npz(path: Path) -> Prediction:
    """Read what `save_npz` wrote.

    Raises:
        ValueError: if the file is something else.
    """
    if not path.is_file():
        raise ValueError(f"{path}: no such file.")
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        header = json.loads(str(arrays.pop("header")))
        _check_header(header, str(path))
        return _join(header, arrays)
    except (KeyError, TypeError, AttributeError, zipfile.BadZipFile, EOFError) as error:
        raise ValueError(f"{path}: not a saved prediction ({_reason(error)}).") from None


def to_jsonl(prediction: Prediction, per: Literal["frame", "window"]) -> Iterator[str]:
    """Yield one JSON line per frame or per window."""
    rows = _frame_rows(prediction) if per == "frame" else _window_rows(prediction)
    for row in rows:
        yield json.dumps(row, allow_nan=False)


def _frame_rows(prediction: Prediction) -> Iterator[dict[str, Any]]:
    """Yield what is known of each frame."""
    for i, labels in enumerate(prediction.frame_labels()):
        boxes = prediction.boxes
        yield {
            "source": prediction.source,
            "frame": prediction.first_frame + i,
            "time_s": round(float(prediction.times_s[i]), 6),
            "labels": [_label(x) for x in labels],
            **({} if boxes is None else {"box": _plain(boxes[i])}),
            "poses": {
                task: {
                    "skeleton": pose.skeleton,
                    "unit": pose.unit,
                    "measured": bool(pose.measured[i]),
                    "joints": _plain(pose.joints[i]),
                }
                for task, pose in prediction.poses.items()
            },
            **_frame_places(prediction, i),
            **_notice(prediction),
        }


def _frame_places(prediction: Prediction, frame: int) -> dict[str, Any]:
    """Return where the person was found in a frame; nothing where no task says it."""
    told = {
        task: {"measured": bool(place.measured[frame]), "box": _plain(place.corners[frame])}
        for task, place in prediction.places.items()
    }
    return {"places": told} if told else {}


def _unusual(prediction: Prediction, window: int) -> dict[str, Any]:
    """Return how unusual a window is; nothing where nobody knows."""
    found = prediction.unusual
    if found is None:
        return {}
    values = zip(_plain(found.scores[window]), _plain(found.limits), strict=True)
    told = {
        name: {"score": score, "limit": limit}
        for name, (score, limit) in zip(found.names, values, strict=True)
    }
    return {"unusual": told}


def _notice(prediction: Prediction) -> dict[str, str]:
    """Return what has to be said with every answer; mostly nothing."""
    return {"notice": prediction.notice} if prediction.notice else {}


def _window_rows(prediction: Prediction) -> Iterator[dict[str, Any]]:
    """Yield the probabilities of each window of each class task."""
    step = 1.0 / prediction.fps
    for task, answer in prediction.classes.items():
        for number, ((start, stop), scores) in enumerate(
            zip(answer.windows, answer.scores, strict=True)
        ):
            *above, best = said(task, answer, scores)
            yield {
                "source": prediction.source,
                "task": task,
                "start_frame": prediction.first_frame + int(start),
                "stop_frame": prediction.first_frame + int(stop),
                "start_s": round(float(prediction.times_s[start]), 6),
                "end_s": round(float(prediction.times_s[stop - 1]) + step, 6),
                "class": best.name,
                "owner": best.task,
                **({"above": [label.name for label in above]} if answer.paths else {}),
                "probabilities": dict(zip(answer.classes, _plain(scores), strict=True)),
                **_unusual(prediction, number),
                **_notice(prediction),
            }


def _split(prediction: Prediction) -> tuple[dict[str, Any], dict[str, Array]]:
    """Take a prediction apart into plain values and named arrays."""
    arrays: dict[str, Array] = {"times_s": prediction.times_s}
    if prediction.boxes is not None:
        arrays["boxes"] = prediction.boxes
    for task, answer in prediction.classes.items():
        arrays |= {f"classes/{task}/windows": answer.windows}
        arrays |= {f"classes/{task}/scores": answer.scores}
    for task, pose in prediction.poses.items():
        arrays |= {f"poses/{task}/joints": pose.joints, f"poses/{task}/measured": pose.measured}
    for task, place in prediction.places.items():
        arrays |= {f"places/{task}/corners": place.corners}
        arrays |= {f"places/{task}/measured": place.measured}
    unusual = prediction.unusual
    if unusual is not None:
        arrays |= {f"unusual/{key}": getattr(unusual, key) for key in _UNUSUAL}
    header = {
        "format": FORMAT,
        "version": VERSION,
        "source": prediction.source,
        "fps": prediction.fps,
        "size": list(prediction.size),
        "first_frame": prediction.first_frame,
        "answer": None if prediction.answer is None else _label(prediction.answer),
        "classes": {
            task: {
                "classes": list(answer.classes),
                "owners": list(answer.owners),
                "score": answer.score,
                "threshold": answer.threshold,
                **({"paths": [list(path) for path in answer.paths]} if answer.paths else {}),
                "probabilities": _plain(answer.probabilities),
            }
            for task, answer in prediction.classes.items()
        },
        "poses": {
            task: {"skeleton": pose.skeleton, "unit": pose.unit}
            for task, pose in prediction.poses.items()
        },
        **({"places": list(prediction.places)} if prediction.places else {}),
        **({"unusual": list(unusual.names)} if unusual is not None else {}),
        **_notice(prediction),
    }
    return header, arrays


def _join(header: Mapping[str, Any], arrays: Mapping[str, Array]) -> Prediction:
    """Put a prediction together again."""
    typed: dict[str, Any] = {n: a.astype(_dtype(n), copy=False) for n, a in arrays.items()}
    return Prediction(
        source=header["source"],
        fps=float(header["fps"]),
        size=(int(header["size"][0]), int(header["size"][1])),
        first_frame=int(header["first_frame"]),
        times_s=typed["times_s"],
        boxes=typed.get("boxes"),
        notice=str(header.get("notice", "")),
        classes={
            task: ClassAnswer(
                classes=tuple(values["classes"]),
                owners=tuple(values["owners"]),
                windows=typed[f"classes/{task}/windows"],
                scores=typed[f"classes/{task}/scores"],
                score=values.get("score", "probability"),  # earlier files hold neither
                threshold=values.get("threshold"),
                paths=tuple(tuple(path) for path in values.get("paths", ())),
            )
            for task, values in header["classes"].items()
        },
        poses={
            task: PoseAnswer(
                skeleton=values["skeleton"],
                unit=values["unit"],
                joints=typed[f"poses/{task}/joints"],
                measured=typed[f"poses/{task}/measured"],
            )
            for task, values in header["poses"].items()
        },
        places={
            task: PlaceAnswer(
                corners=typed[f"places/{task}/corners"],
                measured=typed[f"places/{task}/measured"],
            )
            for task in header.get("places", ())  # files without such tasks hold no such key
        },
        unusual=UnusualAnswer(
            names=tuple(header["unusual"]), **{key: typed[f"unusual/{key}"] for key in _UNUSUAL}
        )
        if "unusual" in header
        else None,
    )


def _check_header(header: object, where: str) -> None:
    """Refuse what is no prediction, or one of a later version."""
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        found = header.get("format") if isinstance(header, dict) else type(header).__name__
        raise ValueError(f"{where}: expected format {FORMAT!r}, found {found!r}.")
    if header.get("version") != VERSION:
        raise ValueError(
            f"{where}: version {header.get('version')!r} of the format; this program reads "
            f"{VERSION}. Use the program that wrote it, or a newer one."
        )


def _label(label: Label) -> dict[str, Any]:
    """Return a label as plain values."""
    return {
        "task": label.task,
        "class": label.name,
        "probability": _number(label.probability),
        **({"above": label.above} if label.above else {}),
    }


def _plain(array: Array) -> Any:
    """Turn an array into nested lists with null for NaN and the shortest exact numbers."""
    if not np.issubdtype(array.dtype, np.floating):
        return array.tolist()
    if array.dtype == np.float32:  # text of 32-bit numbers: 0.1, not 0.10000000149011612
        array = array.astype(np.str_).astype(np.float64)
    values = array.astype(object)
    values[~np.isfinite(np.asarray(array, np.float64))] = None
    return values.tolist()


def _number(value: float) -> float | None:
    """Return a short number, or None where it is unknown."""
    return round(value, 6) if np.isfinite(value) else None


def _dtype(name: str) -> Any:
    """Return the number type of a stored array."""
    return _DTYPES[name.rsplit("/", 1)[-1]]


def _reason(error: BaseException) -> str:
    """Describe what a reader stumbled over."""
    return f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
