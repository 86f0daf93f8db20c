"""The grid: every way of sharing with every balancing at every depth, and the twins beside it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from onebody.models.hard import HardConfig
from onebody.studies.arms import twin_groups, with_balancer, with_network, with_width
from onebody.studies.config import StudyConfig, part_names
from onebody.studies.folds import make_folds
from onebody.studies.known import Known
from onebody.studies.runs import Plan
from onebody.studies.section import Configuration, Fold, StudyContext
from onebody.training import Recipe, build_sources

OWN_DEPTH = "own"
"""Name of the depth where the recipe's encoder is the only one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """One single-task network beside the grid.

    Attributes:
        name: of its runs.
        twin: whose it is (a key of the context's ``twins``).
        depth, size, budget: its variant.
    """

    name: str
    twin: str
    depth: str
    size: str
    budget: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """The grid of a study, before it is run.

    Attributes:
        cells: its configurations.
        twins: every variant of every twin.
        hard: by depth, the recipe under hard sharing, which twins are made from.
        depths: names, from shallow to deep.
        config: as stated.
    """

    cells: tuple[Configuration, ...]
    twins: tuple[Twin, ...]
    hard: dict[str, Recipe]
    depths: tuple[str, ...]
    config: StudyConfig

    def cell(self, name: str) -> Configuration:
        """Return a configuration by name."""
        return next(cell for cell in self.cells if cell.name == name)


def make_grid(recipe: Recipe, config: StudyConfig) -> Grid:
    """Lay the grid out.

    Raises:
        ValueError: if the recipe's network cannot be varied so, or has fewer than two tasks.
    """
    groups = twin_groups(recipe)
    if len(groups) < 2:
        raise ValueError("A study of sharing needs two tasks or more; the recipe has one.")
    depths = config.depths or {OWN_DEPTH: {}}
    for name in (*depths, *groups):
        if not re.fullmatch(r"[\w-]+", name):
            raise ValueError(f"'study': {name!r} names folders: use letters, digits, '-' and '_'.")
    bare = recipe.model_copy(update={"study": {}})
    deep = {name: with_network(bare, encoder=changes) for name, changes in depths.items()}
    cells = [
        Configuration(
            name=f"{sharing}.{balancing}.{depth}",
            sharing=sharing,
            balancing=balancing,
            depth=depth,
            recipe=with_balancer(with_network(base, sharing=part), weighing),
        )
        for depth, base in deep.items()
        for sharing, part in part_names(config.sharing).items()
        for balancing, weighing in part_names(config.balancing).items()
    ]
    budgets = config.twins.budgets if recipe.schedule.steps is None else ("steps",)
    twins = [
        Twin(
            name=f"twin.{twin}.{depth}.{size}.{budget}",
            twin=twin,
            depth=depth,
            size=size,
            budget=budget,
        )
        for depth in deep
        for size in config.twins.sizes
        for budget in budgets
        for twin in groups
    ]
    return Grid(
        cells=tuple(cells),
        twins=tuple(twins),
        hard={depth: with_network(base, sharing=HardConfig()) for depth, base in deep.items()},
        depths=tuple(deep),
        config=config,
    )


def make_context(recipe: Recipe, grid: Grid, folder: Path) -> StudyContext:
    """Find out what every section of a study is given; see `StudyContext`.

    Raises:
        ValueError: if a fold leaves a task without training, validation or test rows.
    """
    known = Known(folder)
    folds = make_folds(recipe, grid.config.folds)
    first = recipe.train.seed
    sizes = {
        cell.name: known.preview(folds[0].apply(cell.recipe)).parameters for cell in grid.cells
    }
    largest = grid.cell(max(sizes, key=lambda name: sizes[name]))
    context = StudyContext(
        recipe=recipe.model_copy(update={"study": {}}),
        folder=folder,
        folds=folds,
        seeds=tuple(range(first, first + grid.config.seeds)),
        tasks=build_sources(recipe).tasks,
        twins=twin_groups(recipe),
        named=largest,
        plain=plain_of(grid, largest),
        known=known,
    )
    _check_rows(context, grid)
    return context


def plain_of(grid: Grid, cell: Configuration) -> Configuration:
    """Return a configuration's balancing and depth under hard sharing, in the grid or not."""
    return Configuration(
        name=f"hard.{cell.balancing}.{cell.depth}",
        sharing="hard",
        balancing=cell.balancing,
        depth=cell.depth,
        recipe=with_balancer(grid.hard[cell.depth], cell.recipe.balancer),
    )


def grid_plans(context: StudyContext, grid: Grid) -> list[Plan]:
    """Plan the runs of all configurations and twins."""
    plans = [plan for cell in grid.cells for plan in context.plans(cell.name, cell.recipe)]
    for twin in needed_twins(context, grid):
        plans += context.plans(twin.name, partial(twin_recipe, context, grid, twin))
    return plans


def needed_twins(context: StudyContext, grid: Grid) -> list[Twin]:
    """Leave out twins with a budget of steps that is the budget of epochs over again."""
    both = len({twin.budget for twin in grid.twins}) == 2
    return [
        twin
        for twin in grid.twins
        if not both or twin.budget == "epochs" or not _same_steps(context, grid, twin)
    ]


def twin_recipe(context: StudyContext, grid: Grid, twin: Twin, fold: Fold) -> Recipe:
    """Return a twin's recipe on one fold."""
    joint = fold.apply(grid.hard[twin.depth])
    recipe = context.single(twin.twin, joint, twin.budget)
    if twin.size == "equal-size":
        widths = context.known.widths(context.folds[0].apply(grid.hard[twin.depth]))
        recipe = with_width(recipe, widths[twin.twin])
    return recipe


def _same_steps(context: StudyContext, grid: Grid, twin: Twin) -> bool:
    """Whether both budgets of a twin come to the same number of steps, on every fold."""
    for fold in context.folds:
        joint = fold.apply(grid.hard[twin.depth])
        alone = context.single(twin.twin, joint, "epochs")
        if context.known.preview(alone).steps != context.known.preview(joint).steps:
            return False
    return True


def _check_rows(context: StudyContext, grid: Grid) -> None:
    """Refuse folds in which a task cannot be trained, chosen by, or tested."""
    first = grid.hard[grid.depths[0]]
    for fold in context.folds:
        rows = context.known.preview(fold.apply(first)).rows
        for part, remedy in (
            ("train", "Hold out less."),
            (
                "validation",
                "State 'split.validation_share' (or 'split.validation'): a study "
                "chooses on validation rows.",
            ),
            ("test", "State 'study.folds' or 'split.test'."),
        ):
            for task in (task for tasks in context.twins.values() for task in tasks):
                if not rows[part][task]:
                    where = f" of fold {fold.name}" if fold.name else ""
                    raise ValueError(f"No {part} row{where} carries a label of {task!r}. {remedy}")
