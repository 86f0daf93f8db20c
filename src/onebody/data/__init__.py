"""Samples on their way into a network: tables, decoding, sampling, augmentation, mixing."""

from onebody.data.batch import Batch, Context, Target
from onebody.data.spec import DEPTH_RANGE_MM, InputSpec, TargetSpec
from onebody.data.table import ClassColumn, Column, JointsColumn, SampleTable, make_table

__all__ = [
    "Batch",
    "Context",
    "Target",
    "InputSpec",
    "TargetSpec",
    "DEPTH_RANGE_MM",
    "SampleTable",
    "Column",
    "ClassColumn",
    "JointsColumn",
    "make_table",
]
