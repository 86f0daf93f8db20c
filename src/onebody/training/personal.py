"""A run's network for one person: before and after a few minutes of theirs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import onebody
from onebody.config import lookup
from onebody.data import Source, TargetSpec
from onebody.data.folders import replace_folder
from onebody.data.targets import class_labels
from onebody.evaluation import evaluate, figures
from onebody.models import Network, SavedNetwork, load_network, save_calibration, save_network
from onebody.tasks import Task, taught
from onebody.training.known import known_rows
from onebody.training.measure import Figures
from onebody.training.personal_fit import PersonalConfig, fit_person
from onebody.training.personal_rows import (
    Trial,
    check_trials_apart,
    check_unknown,
    of_trials,
    person_trials,
    take_minutes,
)
from onebody.training.reading import load_recipe
from onebody.training.recipe import Recipe
from onebody.training.sources import Sources, build_sources
from onebody.types import Bools, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """What some minutes gave.

    Attributes:
        minutes: asked for; 0: the network as it was.
        seconds: of the trials that were taken.
        trials: how many.
        classes: of the task that they hold, of those that the test has: (held, tested).
        person: figures on the person's other trials.
        others: figures on other people's rows.
    """

    minutes: float
    seconds: float
    trials: int
    classes: tuple[int, int]
    person: Figures
    others: Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalReport:
    """A network before and after.

    Attributes:
        subject: the person.
        task: what was learned about them.
        tested: their trials that nothing was learned from, the same for all minutes.
        rows: rows of these trials, and of the other people.
        of_others: which rows the latter are: ``test``, ``validation`` or ``train``.
        left_out: by task, tested rows of the person whose class the network never saw (a wearer
            whom it does not know): nothing can be measured on them.
        steps: the network as it was, then one for each number of minutes.
    """

    subject: str
    task: str
    tested: int
    rows: tuple[int, int]
    of_others: str
    left_out: Mapping[str, int]
    steps: tuple[Fitted, ...]


def personalize(
    run: Path,
    subject: str,
    minutes: Sequence[float],
    *,
    task: str = "",
    config: PersonalConfig | None = None,
    out: Path | None = None,
    device: str = "cpu",
    say: Callable[[str], None] = lambda _: None,
) -> PersonalReport:
    """Fit a run's network to a person whom it does not know, and measure what that changes.

    Args:
        run: folder of a finished run.
        subject: one of its tested people.
        minutes: how many of their trials are learned from, each number by itself, all beginning
            from the run's network. What the greatest one takes is tested by none.
        task: what is learned; empty: the network's only plain one.
        config: how it is fitted.
        out: where the fitted networks go, a folder ``N-minutes`` each, which `load` reads; None:
            they are not kept.
        device: where to compute.
        say: is told what goes on.

    Raises:
        LeakageError: if the network knows the person, or a learned trial is part of a tested one.
        ValueError: if there is no such run, person or task, or there are not so many minutes.
    """
    config = config or PersonalConfig()
    recipe, saved, found = _opened(run)
    name = task or _only_task(found.tasks)
    lookup(dict.fromkeys(taught(found.tasks)), name, f"task of {run} that is taught:")
    if not minutes or not all(number > 0 for number in minutes):
        raise ValueError(f"Minutes are above 0, found {list(minutes)}.")
    check_unknown(known_rows(run), found.splits["test"], subject, str(run))
    trials = person_trials(found.splits["test"], subject, name)
    most = take_minutes(trials, max(minutes))
    rest = [trial for trial in trials if not any(trial is one for one in most)]
    tested, left_out = _measurable(of_trials(found.splits["test"], rest), found, name)
    check_trials_apart(of_trials(found.splits["test"], most), tested)
    part, others = _others(found, subject)

    def figures_of(network: Network) -> tuple[Figures, Figures]:
        kept = recipe.evaluation
        own = evaluate(network, tested, clips=kept.clips, views=kept, device=device)
        rows = evaluate(network, others, device=device)
        return figures(network.tasks, own), figures(network.tasks, rows)

    say(f"{len(trials)} trials of subject {subject}, {len(rest)} of them tested")
    steps = [_step(0.0, [], rest, figures_of(saved.network))]
    for number in sorted(set(minutes)):
        own = take_minutes(trials, number)
        rows = [_varied(s, recipe) for s in of_trials(found.splits["test"], own)]
        fitted = fit_person(saved.network, name, rows, found.splits["train"], config, device)
        steps.append(_step(number, own, rest, figures_of(fitted)))
        if out is not None:
            _save(out / f"{number:g}-minutes", fitted, saved, name, subject, config)
        say(f"{number:g} minutes: {len(own)} trials learned from")
    return PersonalReport(
        subject=subject,
        task=name,
        tested=len(rest),
        rows=(sum(len(s.table) for s in tested), sum(len(s.table) for s in others)),
        of_others=part,
        left_out=left_out,
        steps=tuple(steps),
    )


def _opened(run: Path) -> tuple[Recipe, SavedNetwork, Sources]:
    """Open a finished run."""
    if not (run / "recipe.yaml").is_file() or not (run / "model").is_dir():
        raise ValueError(
            f"{run}: expected a finished run's folder (with recipe.yaml and model), found none."
        )
    recipe = load_recipe(str(run))
    return recipe, load_network(run / "model"), build_sources(recipe)


def _only_task(tasks: Mapping[str, Task]) -> str:
    """Return the plain task where there is one only."""
    plain = [name for name, task in tasks.items() if not task.reads]
    if len(plain) != 1:
        raise ValueError(f"The network has several tasks: state one of {', '.join(tasks)}.")
    return plain[0]


def _varied(source: Source, recipe: Recipe) -> Source:
    """Return a test's source as training would see it."""
    return replace(source, augment=recipe.augment)


def _others(found: Sources, subject: str) -> tuple[str, list[Source]]:
    """Return other people's rows of the test; where there are none, of validation or training."""
    for part in ("test", "validation", "train"):
        chosen = [
            replace(
                source, table=source.table.select(source.table.subject != subject), augment=None
            )
            for source in found.splits[part]
        ]
        chosen = [source for source in chosen if len(source.table)]
        if chosen:
            return part, chosen
    raise ValueError("The run has no rows of other people.")


def _measurable(
    tested: Sequence[Source], found: Sources, learned: str
) -> tuple[list[Source], dict[str, int]]:
    """Hide labels of classes that no training row has; return what is left, and counts by task."""
    left_out: dict[str, int] = {}
    made: list[Source] = []
    for source in tested:
        table = source.table
        for target in source.targets:
            if target.form != "class" or target.task == learned:
                continue
            seen = {
                label
                for trained in found.splits["train"]
                for same in trained.targets
                if same.task == target.task
                for label in _classes(trained, same).tolist()
            }
            own = _classes(source, target)
            strange: Bools = (own >= 0) & ~np.isin(own, list(seen))
            if strange.any():
                left_out[target.task] = left_out.get(target.task, 0) + int(strange.sum())
                for column in target.columns:
                    table = table.hide(column, strange) if column in table.columns else table
        made.append(replace(source, table=table))
    return made, left_out


def _classes(source: Source, target: TargetSpec) -> Ints:
    """Return ``[N]`` a task's class of each row; -1 where there is none."""
    return class_labels(source.table, np.arange(len(source.table), dtype=np.int64), target)


def _step(
    minutes: float, own: Sequence[Trial], rest: Sequence[Trial], found: tuple[Figures, Figures]
) -> Fitted:
    """Put together what some minutes gave."""
    tested = {trial.label for trial in rest}
    return Fitted(
        minutes=minutes,
        seconds=sum(trial.seconds for trial in own),
        trials=len(own),
        classes=(len(tested & {trial.label for trial in own}), len(tested)),
        person=found[0],
        others=found[1],
    )


def _save(
    folder: Path,
    network: Network,
    saved: SavedNetwork,
    task: str,
    subject: str,
    config: PersonalConfig,
) -> None:
    """Write a fitted network; the task's calibration is that of another network and is dropped."""
    changed = {n for n, t in network.tasks.items() if n == task or task in t.reads}
    notes = {**saved.notes, "version": onebody.__version__, "subject": subject, "learned": task}
    folder.parent.mkdir(parents=True, exist_ok=True)

    def write(fresh: Path) -> None:
        model = fresh / "model"
        save_network(
            model,
            network,
            config=saved.config,
            tasks=saved.tasks,
            input=saved.input,
            notes={**notes, "personal": config.model_dump(mode="json")},
        )
        kept = {n: c for n, c in saved.calibration.items() if n not in changed}
        if kept and config.keep == "freeze":
            save_calibration(model, kept)

    replace_folder(folder, write)
