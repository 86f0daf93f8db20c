"""Part-based bags of words and related linear tasks: what needs no network."""

try:
    import sklearn as _sklearn  # noqa: F401 - looked for, so that the error names the extra
except ImportError as error:
    raise ImportError("Part-based bags of words need: pip install 'onebody[classic]'") from error

from onebody.classic.bag import part_bag_of_words
from onebody.classic.clips import Clip, read_clips
from onebody.classic.codebook import PartCodebooks
from onebody.classic.descriptors import PartDescriptors
from onebody.classic.experiment import FoldResult, SystemResult, run_classic
from onebody.classic.graph import mean_graph, stated_graph, weight_graph
from onebody.classic.multitask import GraphRegularizedMultiTaskClassifier
from onebody.classic.parts import Part, body_parts, stated_parts
from onebody.classic.pyramid import TemporalPyramid
from onebody.classic.recipe import ClassicRecipe
from onebody.classic.tables import FIGURE_COLUMNS, differences, figure_rows, save_results
from onebody.classic.twins import SingleTaskTwin
from onebody.classic.views import view_from

__all__ = [
    "Clip",
    "read_clips",
    "Part",
    "body_parts",
    "stated_parts",
    "view_from",
    "part_bag_of_words",
    "PartDescriptors",
    "PartCodebooks",
    "TemporalPyramid",
    "GraphRegularizedMultiTaskClassifier",
    "SingleTaskTwin",
    "ClassicRecipe",
    "run_classic",
    "FoldResult",
    "SystemResult",
    "FIGURE_COLUMNS",
    "figure_rows",
    "save_results",
    "differences",
    "mean_graph",
    "weight_graph",
    "stated_graph",
]
