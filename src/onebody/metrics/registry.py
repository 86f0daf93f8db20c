"""The metrics by name, in groups for the tasks that they suit."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from onebody.metrics import aligned, classification, pose
from onebody.metrics.base import Metric

PCK3D_MM = 150.0
"""Threshold of PCK in 3D, and end of its area under the curve, as in MPI-INF-3DHP."""


def class_metrics() -> dict[str, Metric]:
    """Return the metrics of class probabilities."""
    return _by_name(
        Metric(
            name="top1",
            function=classification.top_k,
            higher_is_better=True,
            unit="%",
            summary="accuracy: the best scored class is right",
        ),
        Metric(
            name="top5",
            function=partial(classification.top_k, k=5),
            higher_is_better=True,
            unit="%",
            summary="the right class is among the five best scored",
        ),
        Metric(
            name="mean_class",
            function=classification.mean_class_accuracy,
            higher_is_better=True,
            unit="%",
            summary="accuracy averaged over the classes that occur",
        ),
        Metric(
            name="precision",
            function=classification.precision,
            higher_is_better=True,
            unit="%",
            summary="precision averaged over classes that occur or are predicted",
        ),
        Metric(
            name="recall",
            function=classification.recall,
            higher_is_better=True,
            unit="%",
            summary="recall averaged over classes that occur or are predicted",
        ),
        Metric(
            name="macro_f1",
            function=classification.macro_f1,
            higher_is_better=True,
            unit="%",
            summary="F1 averaged over classes that occur or are predicted",
        ),
        Metric(
            name="auroc",
            function=classification.auroc,
            higher_is_better=True,
            unit="%",
            summary="area under the ROC curve, each class against the rest, averaged",
        ),
    )


def pose2d_metrics() -> dict[str, Metric]:
    """Return the metrics of joints in source pixels."""
    return _by_name(
        Metric(
            name="pck_crop",
            function=partial(pose.pck, threshold=0.1, scale="crop"),
            higher_is_better=True,
            unit="%",
            summary="PCK@0.1: joints nearer than a tenth of the crop's side",
        ),
        Metric(
            name="pck_box",
            function=partial(pose.pck, threshold=0.2, scale="box"),
            higher_is_better=True,
            unit="%",
            summary="PCK@0.2: joints nearer than a fifth of the longer side of the joints' box",
        ),
        Metric(
            name="pckh",
            function=partial(pose.pck, threshold=0.5, scale="head"),
            higher_is_better=True,
            unit="%",
            summary="PCKh@0.5: joints nearer than half the length of the head",
        ),
        Metric(
            name="auc",
            function=partial(pose.pck_auc, limit=0.2, scale="crop"),
            higher_is_better=True,
            unit="%",
            summary="mean PCK over thresholds up to a fifth of the crop's side",
        ),
        Metric(
            name="error",
            function=pose.mean_error,
            higher_is_better=False,
            unit="px",
            summary="mean distance of joints in source pixels",
        ),
        Metric(
            name="error_crop",
            function=pose.relative_error,
            higher_is_better=False,
            unit="%",
            summary="mean distance of joints as a share of the crop's side",
        ),
    )


def pose3d_metrics(root: Sequence[int]) -> dict[str, Metric]:
    """Return the metrics of joints in mm.

    Args:
        root: the joint (or the joints whose middle) that poses are relative to.
    """
    root = tuple(root)
    return _by_name(
        Metric(
            name="pck3d",
            function=partial(pose.pck, threshold=PCK3D_MM, root=root),
            higher_is_better=True,
            unit="%",
            summary="joints nearer than 150 mm, relative to the root",
        ),
        Metric(
            name="auc3d",
            function=partial(pose.pck_auc, limit=PCK3D_MM, root=root),
            higher_is_better=True,
            unit="%",
            summary="mean PCK over thresholds up to 150 mm, relative to the root",
        ),
        Metric(
            name="mpjpe",
            function=partial(pose.mean_error, root=root),
            higher_is_better=False,
            unit="mm",
            summary="mean distance of joints relative to the root",
        ),
        Metric(
            name="pa_mpjpe",
            function=aligned.pa_mpjpe,
            higher_is_better=False,
            unit="mm",
            summary="mean distance of joints after the best similarity transform of each frame",
        ),
    )


def _by_name(*metrics: Metric) -> dict[str, Metric]:
    """Key metrics by their names."""
    return {metric.name: metric for metric in metrics}
