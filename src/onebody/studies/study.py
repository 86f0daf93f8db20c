"""`Study`: a grid and further sections, run in an order that keeps the test rows closed.

All of the grid is trained first. Then one configuration is named on validation rows, and the choice
is written down. Only after that is any test row measured: those of the grid, and the runs of the
sections that build on the named configuration. A study that goes on repeats nothing, and keeps its
choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from onebody.studies.choice import (
    Choice,
    choose,
    grid_fingerprint,
    load_choice,
    save_choice,
)
from onebody.studies.config import StudyParts, read_study
from onebody.studies.estimate import Estimate, estimate
from onebody.studies.grid import Grid, grid_plans, make_context, make_grid, plain_of
from onebody.studies.grid_figures import FinishedGrid
from onebody.studies.grid_summary import named_sentences, summarize_grid
from onebody.studies.measure import FILE as MEASURED
from onebody.studies.pool import Failure, Pool, Say
from onebody.studies.proportion_summary import without_proportion
from onebody.studies.runs import (
    Plan,
    Run,
    folder_of,
    measure_plan,
    prepare,
    refuse,
    train_plan,
)
from onebody.studies.section import SECTIONS, Finding, SectionResult, StudyContext
from onebody.training import Recipe, RunSummary, load_summary


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyResult:
    """A finished study.

    Attributes:
        choice: what validation decided.
        named: sentences about the named configuration's differences from its twins.
        sections: the grid first.
        runs: how many there were.
        recipe: of the study.
    """

    choice: Choice
    named: tuple[str, ...]
    sections: tuple[SectionResult, ...]
    runs: int
    recipe: Recipe

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings."""
        return tuple(finding for section in self.sections for finding in section.findings)


class Study:
    """A study under way.

    Attributes:
        recipe: with its ``study:``.
        folder: of runs, choice and page.
        parts: what ``study:`` says.
        grid: the grid.
        context: what sections are given.
        grid_runs: the grid's runs, seeds outermost, so that a part of them is a smaller study.
    """

    def __init__(self, recipe: Recipe, folder: Path) -> None:
        """Lay a study out; nothing is trained.

        Raises:
            ValueError: if the recipe is no study, or its folds do not serve; says why.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.recipe, self.folder = recipe, folder
        self.parts: StudyParts = read_study(recipe)
        self.grid: Grid = make_grid(recipe, self.parts.grid)
        self.context: StudyContext = make_context(recipe, self.grid, folder)
        self.grid_runs = self._ordered(grid_plans(self.context, self.grid))
        self._fingerprint = grid_fingerprint(self.grid_runs)

    def estimate(self, *, jobs: int) -> Estimate:
        """Say what the whole study costs."""
        plans = self._all_runs(self._known_context())
        prepare(plans)
        return estimate(plans, self.context.known, jobs=jobs)

    def run(self, *, jobs: int, say: Say) -> StudyResult:
        """Train and measure what is left, and sum up.

        Raises:
            ValueError: at the end, if runs failed: names each, and says why.
        """
        prepare(self.grid_runs)
        with Pool(jobs) as pool:
            self._train(self.grid_runs, pool, say)
            choice = load_choice(self.folder, self._fingerprint)
            if choice is None:
                choice = choose(self.context, self.grid, self._summaries(), self._fingerprint)
                save_choice(choice, self.folder)
            say(f"named on validation: {choice.named}")
            context = self._chosen(choice)
            plans = self._section_runs(context)
            prepare(plans)
            self._train(plans, pool, say)
            self._measure(self._all_runs(context), pool, say)
        return self._result(choice, context)

    def report(self) -> StudyResult:
        """Sum up a study all of whose runs are finished.

        Raises:
            ValueError: if some are not; says which.
        """
        choice = load_choice(self.folder, self._fingerprint)
        context = self._known_context()
        plans = self._all_runs(context)
        missing = [plan.folder.name for plan in plans if not (plan.folder / MEASURED).exists()]
        if choice is None or missing:
            first = ", ".join(missing[:5]) + (", .." if len(missing) > 5 else "")
            raise ValueError(
                f"{self.folder}: {len(missing)} of {len(plans)} runs are not trained and measured "
                f"({first}). Run the study without --report: it goes on where it stopped."
            )
        return self._result(choice, context)

    def _ordered(self, plans: Sequence[Plan]) -> list[Plan]:
        """Put runs in order: seeds outermost, then folds; refuse two of one name."""
        names = [plan.folder.name for plan in plans]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"'study': two runs are called {twice[0]!r}; name parts differently.")
        folds = [fold.name for fold in self.context.folds]
        place = {name: number for number, name in enumerate(folds)}  # a section's own come last
        return sorted(plans, key=lambda plan: (plan.seed, place.get(plan.fold, len(place))))

    def _section_runs(self, context: StudyContext) -> list[Plan]:
        """Return the runs of all further sections."""
        found = [
            plan
            for key, config in self.parts.sections.items()
            for plan in SECTIONS[key].plans(context, config)
        ]
        return self._ordered(found)

    def _all_runs(self, context: StudyContext) -> list[Plan]:
        """Return the runs of grid and sections, each once: a section may build on the grid's."""
        every = [*self.grid_runs, *self._section_runs(context)]
        return list({plan.folder: plan for plan in every}.values())

    def _known_context(self) -> StudyContext:
        """Return the context with the choice, if there is one already."""
        choice = load_choice(self.folder, self._fingerprint)
        return self.context if choice is None else self._chosen(choice)

    def _chosen(self, choice: Choice) -> StudyContext:
        """Return the context of the sections that build on the choice."""
        named = self.grid.cell(choice.named)
        equal = {
            key.removesuffix(".equal-depth"): budget
            for key, budget in choice.budgets.items()
            if key.endswith(".equal-depth")
        }
        plain = plain_of(self.grid, named)
        return replace(self.context, named=named, plain=plain, budgets=equal)

    def _train(self, plans: Sequence[Plan], pool: Pool, say: Say) -> None:
        """Train what is not trained yet, without opening the test rows."""
        left = [plan for plan in plans if not _trained(plan)]
        say(f"{len(plans) - len(left)} of {len(plans)} runs are trained already.")
        for taught in (False, True):  # students come after the runs that teach them
            own = [plan for plan in left if bool(plan.recipe.pseudo) == taught]
            _, failures = pool.run(train_plan, own, named=folder_of, say=say)
            refuse(failures)

    def _measure(self, plans: Sequence[Plan], pool: Pool, say: Say) -> None:
        """Measure on test rows what is not measured yet."""
        left = [plan for plan in plans if not (plan.folder / MEASURED).exists()]
        failures: list[Failure] = []
        if left:
            say(f"measuring {len(left)} runs on their test rows")
            _, failures = pool.run(measure_plan, left, named=folder_of, say=say)
        refuse(failures)

    def _summaries(self) -> dict[str, list[RunSummary]]:
        """Return the grid's finished runs by arm."""
        found: dict[str, list[RunSummary]] = {}
        for plan in self.grid_runs:
            summary = load_summary(plan.folder)
            assert summary is not None
            found.setdefault(plan.arm, []).append(summary)
        return found

    def _result(self, choice: Choice, context: StudyContext) -> StudyResult:
        """Sum up."""
        runs = [measure_plan(plan) for plan in self.grid_runs]
        finished = FinishedGrid(context, self.grid, choice, runs)
        first = summarize_grid(finished)
        if "proportions" not in self.parts.sections:
            first = replace(first, findings=(*first.findings, *without_proportion()))
        sections = [first]
        for key, config in self.parts.sections.items():
            own: list[Run] = [measure_plan(plan) for plan in SECTIONS[key].plans(context, config)]
            sections.append(SECTIONS[key].summarize(context, config, own))
        return StudyResult(
            choice=choice,
            named=named_sentences(finished),
            sections=tuple(sections),
            runs=len(self._all_runs(context)),
            recipe=self.recipe,
        )


def _trained(plan: Plan) -> bool:
    """Whether a run of this very recipe is finished."""
    summary = load_summary(plan.folder)
    return summary is not None and summary.recipe == plan.recipe.fingerprint()
