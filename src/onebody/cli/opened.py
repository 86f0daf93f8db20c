"""A run opened for a test: its network, the rows of a split, and how they are looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from onebody.data import Source
    from onebody.evaluation import TaskProtocol, ViewsConfig
    from onebody.evaluation.boxes import Boxes
    from onebody.metrics import Results
    from onebody.models import SavedNetwork


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """How the rows of a test are looked at.

    Attributes:
        clips: of each row.
        views: looks at each clip, and how answers are joined.
        boxes: where people are.
        finder: a run whose network finds the people of ``own`` boxes; None: the tested one's.
    """

    clips: int
    views: ViewsConfig
    boxes: Boxes = "table"
    finder: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A run's network beside the rows of a split.

    Attributes:
        run: its folder.
        saved: the network.
        sources: the rows.
        splits: the rows of every split.
        how: they are looked at.
        device, bf16: how the network runs.
    """

    run: Path
    saved: SavedNetwork
    sources: Sequence[Source]
    splits: Mapping[str, Sequence[Source]]
    how: Protocol
    device: str
    bf16: bool

    @property
    def trained(self) -> Sequence[Source]:
        """The rows that the network was trained on."""
        return self.splits["train"]

    def answers(self) -> dict[str, Results]:
        """Return the network's answers by task."""
        from onebody.evaluation import evaluate

        return evaluate(
            self.saved.network,
            self.sources,
            clips=self.how.clips,
            views=self.how.views,
            device=self.device,
            bf16=self.bf16,
        )

    def protocols(self) -> dict[str, TaskProtocol]:
        """Return what the figures of each class task are to be held against."""
        from onebody.evaluation import task_protocols

        return task_protocols(self.saved.network.tasks, self.sources, self.trained)

    def part(self, split: str) -> Opened:
        """Return the same run beside the rows of another split, as the table has their boxes.

        Raises:
            ValueError: if there is no such split, or it has no labeled rows.
        """
        from onebody.config import lookup

        sources = lookup(self.splits, split, "split")
        if not sources:
            raise ValueError(f"{self.run}: the {split} split has no labeled rows.")
        return replace(self, sources=sources)


def protocol_of(run: Path, changes: Mapping[str, Any], boxes: str = "table") -> Protocol:
    """Return how a run's own test looks at rows, but for what is asked for now.

    Args:
        run: its folder; of what is no run, which is refused later, the plain protocol.
        changes: keys of the recipe's ``evaluation``; None: as in the recipe.
        boxes: ``table``, ``none``, ``own`` or the folder of a run that finds people.

    Raises:
        ValueError: if a change is not possible.
    """
    from typing import cast, get_args

    from onebody.config import lookup, read_config
    from onebody.evaluation import ViewsConfig
    from onebody.evaluation.boxes import Boxes
    from onebody.training import load_recipe
    from onebody.training.recipe import EvaluationConfig

    finder = Path(boxes) if (Path(boxes) / "recipe.yaml").is_file() else None
    if finder is None and ("/" in boxes or Path(boxes).exists()):
        raise ValueError(
            f"--boxes {boxes}: expected a run's folder (with recipe.yaml), found none."
        )
    if finder is None:
        lookup(dict.fromkeys((*get_args(Boxes), "(a run's folder)")), boxes, "kind of --boxes")
    known = (run / "recipe.yaml").is_file()
    own = load_recipe(str(run)).evaluation if known else EvaluationConfig()
    asked = {key: value for key, value in changes.items() if value is not None}
    whole = read_config(EvaluationConfig, {**own.model_dump(), **asked}, "evaluation")
    if known and "fusion" in asked and (whole.clips, whole.flip, whole.crops) == (1, False, 1):
        raise ValueError(
            "--fusion joins several looks at a clip, but the test of this run takes one. Add "
            "--clips, --flip or --crops, or leave --fusion out."
        )
    views = ViewsConfig(**{key: getattr(whole, key) for key in ViewsConfig.model_fields})
    kind = cast("Boxes", boxes if finder is None else "own")
    return Protocol(clips=whole.clips, views=views, boxes=kind, finder=finder)


def open_run(run: Path, split: str, how: Protocol, *, device: str) -> Opened:
    """Load a run's network and find the rows of a split.

    Raises:
        ValueError: if there is no such run or split, or the split has no labeled rows.
    """
    from onebody.config import lookup
    from onebody.evaluation.boxes import with_boxes
    from onebody.inference import load
    from onebody.training import build_sources, load_recipe

    if not (run / "recipe.yaml").is_file():
        raise ValueError(f"{run}: expected a run's folder (with recipe.yaml), found none.")
    saved = load(run, device=device).saved
    recipe = load_recipe(str(run))
    splits = build_sources(recipe).splits
    sources = lookup(splits, split, "split")
    if not sources:
        raise ValueError(f"{run}: the {split} split has no labeled rows.")
    bf16 = recipe.train.bf16  # as the training itself measured
    looked, missed = with_boxes(
        saved.network,
        sources,
        how.boxes,
        finder=None if how.finder is None else load(how.finder, device=device).saved,
        clips=how.clips,
        device=device,
        bf16=bf16,
    )
    if missed:
        typer.echo(
            f"no joint that the network is sure of in {missed} rows; these were looked at whole.",
            err=True,
        )
    asked, left = ({t.task for s in some for t in s.targets} for some in (sources, looked))
    left_out = asked - left
    if left_out:
        typer.echo(
            f"not measured: {', '.join(sorted(left_out))}, whose truth are the table's own boxes.",
            err=True,
        )
    return Opened(
        run=run,
        saved=saved,
        sources=looked,
        splits=splits,
        how=how,
        device=device,
        bf16=bf16,
    )
