"""The proportion sweep: the same amount of training rows, in other proportions of two tasks.

Training rows of both kinds are thinned out so that their sum is the same at every share (the
largest that every share allows), and only the proportion differs; validation and test rows stay.
At every share the named configuration, hard sharing with the same balancing and depth, the named
configuration with balanced sampling as a control, and the single-task twins are trained on the same
rows, so that each gain is over twins that saw no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from pydantic import Field, model_validator

from onebody.config import Config, nearest
from onebody.data import ClassColumn
from onebody.studies.runs import Plan
from onebody.studies.section import Fold, StudyContext
from onebody.training import Recipe, read_tables
from onebody.types import PLACES

NAMED, HARD, BALANCED = "named", "hard", "balanced"


class ProportionConfig(Config):
    """Which proportions are tried.

    Attributes:
        of, to: the two class tasks, that of actions first; empty: the recipe's only two twins.
        shares: of the rows of ``of`` among the training rows of both, ascending.
    """

    of: str = ""
    to: str = ""
    shares: tuple[float, ...] = Field((0.2, 0.35, 0.5, 0.65, 0.8), min_length=2)

    @model_validator(mode="after")
    def _possible(self) -> ProportionConfig:
        if any(not 0.0 < share < 1.0 for share in self.shares):
            raise ValueError(f"shares lie between 0 and 1, found {self.shares}")
        if list(self.shares) != sorted(set(self.shares)):
            raise ValueError(f"state the shares ascending, each once, found {self.shares}")
        return self


def proportion_plans(context: StudyContext, config: ProportionConfig) -> list[Plan]:
    """Plan every network at every share."""
    pair = pair_of(context, config)
    plans: list[Plan] = []
    for share in config.shares:
        for kind, recipe in networks_of(context, pair).items():
            thin = partial(_thinned, context, recipe, pair, config.shares, share)
            plans += context.plans(arm_of(kind, share), thin)
        thin = partial(_thinned, context, context.plain.recipe, pair, config.shares, share)
        for twin in context.twins:
            plans += context.twin(arm_of(f"twin-{twin}", share), twin, thin)
    return plans


def fractions(
    counts: tuple[int, int], shares: Sequence[float], share: float
) -> tuple[float, float]:
    """Return which shares of their rows two tasks keep.

    Args:
        counts: training rows of both.
        shares: all that are tried; the sum of rows is the largest that each of them allows.
        share: the one that is wanted.
    """
    first, second = counts
    total = min(min(first / s, second / (1 - s)) for s in shares)
    return min(1.0, share * total / first), min(1.0, (1 - share) * total / second)


def pair_of(context: StudyContext, config: ProportionConfig) -> tuple[str, str]:
    """Return the two tasks.

    Raises:
        ValueError: if they are not two class tasks of the recipe with columns of their own.
    """
    compared = [task for tasks in context.twins.values() for task in tasks]
    pair = (config.of, config.to) if config.of or config.to else tuple(compared)
    if len(pair) != 2 or pair[0] == pair[1]:
        raise ValueError(f"'study.proportions': state 'of' and 'to', two of {', '.join(compared)}.")
    for task in pair:
        if task not in compared:
            raise ValueError(f"'study.proportions' names {task!r}. {nearest(task, compared)}")
        if context.tasks[task].form in PLACES:
            raise ValueError(f"'study.proportions': {task!r} is no task of one class per clip.")
    first, second = (context.tasks[task].column for task in pair)
    if first == second:
        raise ValueError(
            f"'study.proportions': {pair[0]!r} and {pair[1]!r} read one column, {first!r}, whose "
            "rows cannot be thinned out for one of them alone."
        )
    return pair[0], pair[1]


def networks_of(context: StudyContext, pair: tuple[str, str]) -> dict[str, Recipe]:
    """Return the joint networks of every share, by kind."""
    found = {NAMED: context.named.recipe}
    if context.plain.name != context.named.name:
        found[HARD] = context.plain.recipe
    balanced = _balanced(context, context.named.recipe, pair)
    if balanced is not None:
        found[BALANCED] = balanced
    return found


def _balanced(context: StudyContext, recipe: Recipe, pair: tuple[str, str]) -> Recipe | None:
    """Return a recipe that fills its Batches from both kinds in turn.

    Returns:
        None where no source has both kinds: each then fills its own Batch of every step already.
    """
    columns = [context.tasks[task].column for task in pair]
    data = [
        part.model_copy(update={"balance": tuple(columns)})
        if all(column in found for column in columns)
        else part
        for part, found in zip(recipe.data, _class_columns(recipe), strict=True)
    ]
    changed = Recipe.model_validate({**dict(recipe), "data": tuple(data)})
    return changed if changed.data != recipe.data else None


def _thinned(
    context: StudyContext,
    recipe: Recipe,
    pair: tuple[str, str],
    shares: Sequence[float],
    share: float,
    fold: Fold,
) -> Recipe:
    """Return a fold's recipe with training rows in a given proportion."""
    own = fold.apply(recipe)
    rows = context.known.preview(fold.apply(context.plain.recipe)).rows["train"]
    kept = fractions((rows[pair[0]], rows[pair[1]]), shares, share)
    columns = {context.tasks[task].column: k for task, k in zip(pair, kept, strict=True)}
    data = [
        part.model_copy(update={"thin": {c: round(k, 6) for c, k in columns.items() if c in found}})
        for part, found in zip(own.data, _class_columns(own), strict=True)
    ]
    return Recipe.model_validate({**dict(own), "data": tuple(data)})


def _class_columns(recipe: Recipe) -> list[set[str]]:
    """Return the class columns with labels of each source."""
    tables = read_tables(recipe)
    return [
        {n for n, c in t.columns.items() if isinstance(c, ClassColumn) and t.labeled(n).any()}
        for t in tables
    ]


def arm_of(kind: str, share: float) -> str:
    """Name an arm."""
    return f"proportion.{kind}.{share:g}"
