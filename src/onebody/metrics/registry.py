"""The metrics by name, in groups for the tasks that they suit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import accumulate

import numpy as np

from onebody.metrics import aligned, box, classification, pck_head, pose
from onebody.metrics.base import Metric, Results
from onebody.metrics.levels import Level, on_level, outside, pair_contradictions, path_hits
from onebody.types import Array

PCK3D_MM = 150.0
"""Threshold of PCK in 3D, and end of its area under the curve, as in MPI-INF-3DHP."""


def class_metrics() -> dict[str, Metric]:
    """Return the metrics of class probabilities."""
    occurring = "averaged over classes that occur or are predicted"
    return _by_name(
        _share("top1", classification.hits, "accuracy: the best scored class is right"),
        _share(
            "top5",
            partial(classification.hits, k=5),
            "the right class is among the five best scored",
        ),
        _figure(
            "mean_class",
            classification.mean_class_accuracy,
            "accuracy averaged over the classes that occur",
        ),
        _figure("precision", classification.precision, f"precision {occurring}"),
        _figure("recall", classification.recall, f"recall {occurring}"),
        _figure("macro_f1", classification.macro_f1, f"F1 {occurring}"),
        _figure(
            "auroc",
            classification.auroc,
            "area under the ROC curve, each class against the rest, averaged",
        ),
        _figure(
            "ece",
            classification.expected_calibration_error,
            "expected calibration error: how far probabilities are from accuracies",
            higher_is_better=False,
        ),
    )


def union_metrics(sizes: Sequence[int]) -> dict[str, Metric]:
    """Return what is measured of joined class tasks besides `class_metrics`.

    Args:
        sizes: number of classes of each task; a class after them is one of no task.
    """
    own = tuple(sizes)
    offsets = tuple(accumulate(own, initial=0))
    return _by_name(
        _share(
            "task_accuracy",
            partial(classification.task_hits, offsets=offsets),
            "the best scored class belongs to the right task",
        ),
        _share(
            "top1_given",
            partial(classification.given_task_hits, sizes=own),
            "accuracy among the classes of the right task: what is reached if the task is given",
        ),
        replace(
            _share(
                "top1_gap",
                partial(classification.task_gap, sizes=own),
                "accuracy that is lost because the task is not given",
            ),
            higher_is_better=False,
        ),
    )


OF_CLASSES = ("top1", "mean_class", "macro_f1", "ece")
"""What is measured of the classes above the leaves of a tree."""


def tree_metrics(levels: Sequence[Level]) -> dict[str, Metric]:
    """Return the metrics of a tree of classes.

    Args:
        levels: from the topmost classes to the leaves. Metrics of leaves have the names of
            `class_metrics`, those of the topmost classes begin with ``class_``, those of the n-th
            level between with ``level{n}_``.
    """
    own, leaves = tuple(levels), levels[-1]
    every = class_metrics()
    few = {name: every[name] for name in OF_CLASSES}
    fine = {name: metric for name, metric in every.items() if name != "top5" or leaves.size > 5}
    found = on_level(fine, leaves)
    for number, level in enumerate(own[:-1]):
        prefix = f"level{number + 1}_" if number else "class_"
        found |= on_level(few, level, prefix, "classes, from summed leaves: ")
    return found | _by_name(
        _share(
            "path_top1",
            partial(path_hits, levels=own),
            "accuracy of the leaf that is reached by going down from the best class",
        ),
        replace(
            _share(
                "contradiction",
                partial(outside, level=own[0]),
                "the best leaf is not of the best class",
            ),
            higher_is_better=False,
        ),
    )


def consistency_metrics(owner: Sequence[int], classes: int) -> dict[str, Metric]:
    """Return what is measured of two heads, one of leaves and one of their classes.

    Args:
        owner: for each leaf the class that it belongs to.
        classes: number of classes.
    """
    values = partial(pair_contradictions, owner=tuple(owner), classes=classes)
    contradiction = _share("contradiction", values, "the best leaf is not of the best class")
    return _by_name(
        replace(contradiction, higher_is_better=False),
        _share("consistency", partial(_without, values), "the best leaf is of the best class"),
        replace(
            class_metrics()["top1"],
            name="both_top1",
            summary="leaf and class are right at once",
        ),
    )


def pose2d_metrics(left_out: Sequence[int] = ()) -> dict[str, Metric]:
    """Return the metrics of joints in source pixels.

    Args:
        left_out: joints that PCKh does not count (pelvis and thorax).
    """
    left_out = tuple(left_out)
    return _by_name(
        _share(
            "pck_crop",
            partial(pose.correct, threshold=0.1, scale="crop"),
            "PCK@0.1: joints nearer than a tenth of the crop's side",
        ),
        _share(
            "pck_box",
            partial(pose.correct, threshold=0.2, scale="box"),
            "PCK@0.2: joints nearer than a fifth of the longer side of the joints' box",
        ),
        _share(
            "pckh",
            partial(pck_head.correct, threshold=0.5, left_out=left_out),
            "PCKh@0.5: joints but pelvis and thorax nearer than half the size of the head",
        ),
        _share(
            "pckh_auc",
            partial(pck_head.auc_values, limit=0.5, left_out=left_out),
            "area under the PCKh curve up to half the size of the head",
        ),
        _share(
            "auc",
            partial(pose.auc_values, limit=0.2, scale="crop"),
            "mean PCK over thresholds up to a fifth of the crop's side",
        ),
        _error("error", pose.distances, "px", "mean distance of joints in source pixels"),
        _error(
            "error_crop",
            partial(pose.scaled_distances, scale="crop"),
            "%",
            "mean distance of joints as a share of the crop's side",
        ),
    )


def pose3d_metrics(root: Sequence[int]) -> dict[str, Metric]:
    """Return the metrics of joints in mm.

    Args:
        root: the joint (or the joints whose middle) that poses are relative to.
    """
    root = tuple(root)
    return _by_name(
        _share(
            "pck3d",
            partial(pose.correct, threshold=PCK3D_MM, scale="", root=root),
            "joints nearer than 150 mm, relative to the root",
        ),
        _share(
            "auc3d",
            partial(pose.auc_values, limit=PCK3D_MM, root=root),
            "mean PCK over thresholds up to 150 mm, relative to the root",
        ),
        _error(
            "mpjpe",
            partial(pose.distances, root=root),
            "mm",
            "mean distance of joints relative to the root",
        ),
        _error(
            "pa_mpjpe",
            aligned.aligned_distances,
            "mm",
            "mean distance of joints after the best similarity transform of each frame",
        ),
    )


def box_metrics() -> dict[str, Metric]:
    """Return the metrics of a person's box."""
    return _by_name(
        _share("iou", box.overlaps, "intersection over union of the found box and the true one"),
        _share(
            "iou50",
            partial(box.overlap_above, threshold=0.5),
            "frames in which intersection over union is above a half",
        ),
    )


def _share(name: str, values: Callable[[Results], Array], summary: str) -> Metric:
    """Make a metric that is a mean of numbers in [0, 1], more being better."""
    return Metric(
        name=name,
        function=partial(_mean_of, values),
        higher_is_better=True,
        unit="%",
        summary=summary,
        values=values,
    )


def _error(name: str, values: Callable[[Results], Array], unit: str, summary: str) -> Metric:
    """Make a metric that is a mean of distances."""
    return Metric(
        name=name,
        function=partial(_mean_of, values),
        higher_is_better=False,
        unit=unit,
        summary=summary,
        values=values,
    )


def _figure(
    name: str,
    function: Callable[[Results], float],
    summary: str,
    *,
    higher_is_better: bool = True,
) -> Metric:
    """Make a metric that is a fraction, but no mean over entries."""
    return Metric(
        name=name,
        function=function,
        higher_is_better=higher_is_better,
        unit="%",
        summary=summary,
    )


def _without(values: Callable[[Results], Array], results: Results) -> Array:
    """Return one minus a metric's values."""
    return np.asarray(1.0 - values(results).astype(np.float64))


def _mean_of(values: Callable[[Results], Array], results: Results) -> float:
    """Average a metric's values."""
    return float(pose.average(values(results)))


def _by_name(*metrics: Metric) -> dict[str, Metric]:
    """Key metrics by their names."""
    return {metric.name: metric for metric in metrics}
