"""The sections that a study may have besides its grid, by their key under ``study:``."""

from onebody.studies.label_curve import LabelsConfig, label_plans
from onebody.studies.label_summary import summarize_labels
from onebody.studies.proportion import ProportionConfig, proportion_plans
from onebody.studies.proportion_summary import summarize_proportion
from onebody.studies.section import SECTIONS, Section
from onebody.studies.without_task import WithoutTaskConfig, without_task_plans
from onebody.studies.without_task_summary import summarize_without_task

SECTIONS["proportions"] = Section(
    config=ProportionConfig,
    plans=proportion_plans,
    summarize=summarize_proportion,
    summary="as many training rows, in other proportions of two tasks",
)

SECTIONS["labels"] = Section(
    config=LabelsConfig,
    plans=label_plans,
    summarize=summarize_labels,
    summary="learning curves over few labeled clips per class, of each task in turn",
)

SECTIONS["without_task"] = Section(
    config=WithoutTaskConfig,
    plans=without_task_plans,
    summarize=summarize_without_task,
    summary="networks that are not told which task a clip is of, on known and unknown clips",
)

__all__ = ["SECTIONS"]
