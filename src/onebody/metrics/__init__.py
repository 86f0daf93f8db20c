"""Metric functions and the values they work on."""

from onebody.metrics.aligned import align, aligned_distances, pa_mpjpe, pa_mpjpe_per_joint
from onebody.metrics.base import Metric, Results, concatenate
from onebody.metrics.box import overlap_above, overlaps
from onebody.metrics.classification import (
    auroc,
    confusion_matrix,
    expected_calibration_error,
    given_task_hits,
    macro_f1,
    mean_class_accuracy,
    per_class,
    precision,
    predicted_classes,
    recall,
    task_accuracy,
    task_gap,
    top_k,
)
from onebody.metrics.intervals import (
    MIN_GROUPS,
    Difference,
    Interval,
    bootstrap,
    paired_difference,
)
from onebody.metrics.levels import Level
from onebody.metrics.open_set import false_positive_rate, keeping_threshold, known_auroc
from onebody.metrics.pck_head import HEAD_SHARE, head_size, pckh, pckh_auc, pckh_per_joint
from onebody.metrics.pose import (
    distances,
    mean_error,
    mean_error_per_joint,
    pck,
    pck_auc,
    pck_per_joint,
    relative_error,
)
from onebody.metrics.registry import (
    box_metrics,
    class_metrics,
    consistency_metrics,
    pose2d_metrics,
    pose3d_metrics,
    tree_metrics,
    union_metrics,
)
from onebody.metrics.resample import BySubject, Resampler
from onebody.metrics.significance import holm, sign_flip_test

METRICS: dict[str, Metric] = {
    **tree_metrics((Level(places=(0,), leaves=1),) * 3),
    **consistency_metrics((0,), 1),
    **class_metrics(),
    **union_metrics(sizes=(1,)),
    **pose2d_metrics(),
    **pose3d_metrics(root=(0,)),
    **box_metrics(),
}
"""All metrics by name, for listing: take a task's own, which know its root and its parts."""

__all__ = [
    "Metric",
    "Results",
    "concatenate",
    "METRICS",
    "Level",
    "class_metrics",
    "union_metrics",
    "tree_metrics",
    "consistency_metrics",
    "pose2d_metrics",
    "pose3d_metrics",
    "box_metrics",
    "overlaps",
    "overlap_above",
    "top_k",
    "predicted_classes",
    "confusion_matrix",
    "mean_class_accuracy",
    "precision",
    "recall",
    "macro_f1",
    "per_class",
    "auroc",
    "task_accuracy",
    "given_task_hits",
    "task_gap",
    "expected_calibration_error",
    "known_auroc",
    "false_positive_rate",
    "keeping_threshold",
    "distances",
    "mean_error",
    "mean_error_per_joint",
    "relative_error",
    "pck",
    "pck_per_joint",
    "pck_auc",
    "HEAD_SHARE",
    "head_size",
    "pckh",
    "pckh_per_joint",
    "pckh_auc",
    "align",
    "aligned_distances",
    "pa_mpjpe",
    "pa_mpjpe_per_joint",
    "Interval",
    "Difference",
    "MIN_GROUPS",
    "bootstrap",
    "paired_difference",
    "BySubject",
    "Resampler",
    "holm",
    "sign_flip_test",
]
