"""Samples on their way into a network: tables, decoding, sampling, augmentation, mixing."""

from onebody.data.assemble import make_batch
from onebody.data.augment import AugmentConfig
from onebody.data.batch import Batch, Context, Target
from onebody.data.clips import clip_indices
from onebody.data.loader import Loader, Source, evaluation_batches
from onebody.data.reading import RowError
from onebody.data.spec import DEPTH_RANGE_MM, InputSpec, TargetSpec
from onebody.data.splice import SpliceConfig
from onebody.data.table import ClassColumn, Column, JointsColumn, SampleTable, make_table

__all__ = [
    "Batch",
    "Context",
    "Target",
    "InputSpec",
    "SpliceConfig",
    "TargetSpec",
    "DEPTH_RANGE_MM",
    "SampleTable",
    "Column",
    "ClassColumn",
    "JointsColumn",
    "make_table",
    "AugmentConfig",
    "clip_indices",
    "make_batch",
    "RowError",
    "Source",
    "Loader",
    "evaluation_batches",
]
