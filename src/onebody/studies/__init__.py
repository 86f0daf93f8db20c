"""Studies: what sharing bought, with its single-task twins, its spread and its cost."""

from onebody.studies.arms import JOINT, Arm, make_arms, twin_groups
from onebody.studies.compare import Comparison, Cost, Line, compare, fold_values
from onebody.studies.delta import delta_mtl, headlines, relative_gain
from onebody.studies.measure import Measured, measure
from onebody.studies.report import write_report
from onebody.studies.runs import Plan, Run
from onebody.studies.sizes import equal_size_widths
from onebody.studies.study import Study, StudyResult
from onebody.studies.study_keep import keep_study
from onebody.studies.study_page import write_study_page
from onebody.studies.table import COLUMNS, cost_rows, notes, rows

__all__ = [
    "compare",
    "Comparison",
    "Line",
    "Cost",
    "Plan",
    "Run",
    "fold_values",
    "Arm",
    "JOINT",
    "make_arms",
    "equal_size_widths",
    "twin_groups",
    "delta_mtl",
    "relative_gain",
    "headlines",
    "Measured",
    "measure",
    "write_report",
    "Study",
    "StudyResult",
    "keep_study",
    "write_study_page",
    "COLUMNS",
    "rows",
    "cost_rows",
    "notes",
]
