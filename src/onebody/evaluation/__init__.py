"""Protocols (splits, folds, leakage) and a network's figures."""

from onebody.evaluation.answers import evaluate, evaluate_outputs, evaluating
from onebody.evaluation.apart import check_apart
from onebody.evaluation.boxes import Boxes, found_boxes, with_boxes
from onebody.evaluation.endurance import StressCurve, measure_under_stress
from onebody.evaluation.fusion import Fusion, fuse_clips, fuse_outputs, fuse_probabilities
from onebody.evaluation.judged import People, TaskProtocol, judged, task_protocols
from onebody.evaluation.late_fusion import check_same_split, fuse_results, likeliest_weights
from onebody.evaluation.leakage import LeakageError, Split, check_leakage
from onebody.evaluation.open_set import UNKNOWN, PartFigures, WithoutTask, marked, without_task
from onebody.evaluation.protocols import (
    FoldConfig,
    SplitConfig,
    folds,
    matching,
    split,
    split_several,
)
from onebody.evaluation.stress import STRESSES, Stress
from onebody.evaluation.subsets import all_subsets, media_of, only_media, with_media
from onebody.evaluation.tables import (
    by_group,
    figures,
    figures_by_group,
    groups_of,
    mean_of_figures,
    mean_over_groups,
    score,
)
from onebody.evaluation.views import PLAIN, ViewsConfig
from onebody.metrics import Difference, Interval, bootstrap, paired_difference

__all__ = [
    "evaluate",
    "evaluate_outputs",
    "evaluating",
    "Boxes",
    "with_boxes",
    "found_boxes",
    "Fusion",
    "fuse_clips",
    "fuse_outputs",
    "fuse_probabilities",
    "fuse_results",
    "likeliest_weights",
    "check_same_split",
    "all_subsets",
    "media_of",
    "only_media",
    "with_media",
    "PLAIN",
    "ViewsConfig",
    "figures",
    "score",
    "UNKNOWN",
    "PartFigures",
    "WithoutTask",
    "without_task",
    "marked",
    "by_group",
    "figures_by_group",
    "groups_of",
    "mean_of_figures",
    "mean_over_groups",
    "Split",
    "SplitConfig",
    "split_several",
    "FoldConfig",
    "split",
    "folds",
    "matching",
    "check_leakage",
    "People",
    "TaskProtocol",
    "judged",
    "task_protocols",
    "check_apart",
    "LeakageError",
    "STRESSES",
    "Stress",
    "StressCurve",
    "measure_under_stress",
    "Interval",
    "Difference",
    "bootstrap",
    "paired_difference",
]
