"""Training: recipes, the loop, checkpoints and what a run leaves behind."""

from onebody.training.cross import CrossFigures, measure_cross
from onebody.training.log import read_log
from onebody.training.loop import train
from onebody.training.reading import (
    find_recipe,
    load_recipe,
    recipe_heading,
    recipe_names,
    save_recipe,
)
from onebody.training.recipe import DataConfig, EvaluationConfig, Recipe, TrainConfig
from onebody.training.setup import Setup, build_run
from onebody.training.sources import Sources, build_sources, read_tables
from onebody.training.summary import RunSummary, load_summary

__all__ = [
    "Recipe",
    "DataConfig",
    "TrainConfig",
    "EvaluationConfig",
    "load_recipe",
    "save_recipe",
    "find_recipe",
    "recipe_names",
    "recipe_heading",
    "train",
    "measure_cross",
    "CrossFigures",
    "RunSummary",
    "load_summary",
    "read_log",
    "Setup",
    "build_run",
    "build_sources",
    "read_tables",
    "Sources",
]
