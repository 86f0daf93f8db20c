"""What ``study:`` in a recipe may say: the grid, its folds and seeds, and further sections."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, TypeVar

from pydantic import ConfigDict, Field, field_validator, model_validator

from onebody.balancing import BALANCERS
from onebody.config import Config, choice, nearest, read_config
from onebody.models import SHARINGS
from onebody.studies.sections import SECTIONS
from onebody.training import Recipe

if TYPE_CHECKING:
    SharingPart: TypeAlias = Config
    BalancingPart: TypeAlias = Config
else:
    SharingPart = choice(SHARINGS, "sharing")
    BalancingPart = choice(BALANCERS, "balancer")

PartT = TypeVar("PartT")
Several = Annotated[tuple[PartT, ...], Field(min_length=1)]
Size = Literal["equal-depth", "equal-size"]
Budget = Literal["epochs", "steps"]


class FoldsConfig(Config):
    """Which rows are tested in turn.

    Attributes:
        column: of the tables (``subject``, ``group``, ``split``, ..) whose values are held out.
        key: of the recipe (``data.0.dataset.split``) that says which official split is meant.
        values: of the column, each alone or several together as a list (empty: every value in
            turn), or of the key.
        k: so many folds of whole subjects, or of whole groups of a table that names no subjects,
            drawn by ``evaluation.split_seed``; each holds out a part of every table.
    """

    column: str = ""
    key: str = ""
    values: tuple[Any, ...] = ()
    k: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _one_way(self) -> FoldsConfig:
        if bool(self.column) + bool(self.key) + bool(self.k) != 1:
            raise ValueError("state one of 'column', 'key' and 'k'")
        if self.k == 1 or (self.k and self.values):
            raise ValueError("'k' is at least 2, and draws what it holds out without 'values'")
        if self.key and not self.values:
            raise ValueError(f"state the 'values' that {self.key!r} takes in turn")
        return self


class TwinsConfig(Config):
    """The single-task networks that the grid is held against.

    Attributes:
        sizes: ``equal-depth``: the same encoder; ``equal-size``: encoders so narrow that the twins
            together have the parameters of the joint network under hard sharing. The first one is
            what findings are judged by.
        budgets: ``epochs``: as many as the joint network has; ``steps``: as many optimizer steps.
            The better one on validation is a twin's figure.
    """

    sizes: tuple[Size, ...] = Field(("equal-depth", "equal-size"), min_length=1)
    budgets: tuple[Budget, ...] = Field(("epochs", "steps"), min_length=1)

    @field_validator("sizes", "budgets")
    @classmethod
    def _once(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(values)) < len(values):
            raise ValueError("names something twice")
        return values


class StudyConfig(Config):
    """The grid of a study.

    Attributes:
        sharing: ways of sharing, by kind or as mappings with options.
        balancing: balancing methods, likewise.
        depths: by name, what changes in ``network.encoder``, from shallow to deep; empty: the
            recipe's own encoder is the only one.
        seeds: trainings of everything: the recipe's seed and those that follow it.
        folds: which rows are tested in turn; null: the recipe's own split.
        twins: the single-task networks beside the grid.
    """

    sharing: Several[SharingPart] = ("hard", "cross-stitch", "learned")  # type: ignore[assignment]
    balancing: Several[BalancingPart] = ("average", "dwa", "automatic")  # type: ignore[assignment]
    depths: dict[str, dict[str, Any]] = Field(default_factory=dict)
    seeds: int = Field(3, ge=1)
    folds: FoldsConfig | None = None
    twins: TwinsConfig = TwinsConfig()

    model_config = ConfigDict(validate_default=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyParts:
    """What a recipe's ``study:`` says.

    Attributes:
        grid: the grid, folds and seeds.
        sections: by key, the config of each further section.
    """

    grid: StudyConfig
    sections: Mapping[str, Config]


def read_study(recipe: Recipe) -> StudyParts:
    """Read a recipe's ``study:``.

    Raises:
        ValueError: if it has none, or something in it is not possible; names the nearest key.
    """
    if not recipe.study:
        raise ValueError("The recipe has no 'study:'. State its sharing, balancing and folds.")
    own = set(StudyConfig.model_fields)
    for key in recipe.study:
        if key not in own and key not in SECTIONS:
            raise ValueError(f"'study': unknown key {key!r}. {nearest(key, own | set(SECTIONS))}")
    grid = {key: value for key, value in recipe.study.items() if key in own}
    return StudyParts(
        grid=read_config(StudyConfig, grid, "'study'"),
        sections={
            key: read_config(SECTIONS[key].config, value or {}, f"'study.{key}'")
            for key, value in recipe.study.items()
            if key in SECTIONS
        },
    )


def part_names(parts: Iterable[Config]) -> dict[str, Config]:
    """Name parts by their kind; those of one kind by their options as well.

    Raises:
        ValueError: if two are the same.
    """
    given = list(parts)
    kinds = [str(getattr(part, "kind", "")) for part in given]
    named: dict[str, Config] = {}
    for kind, part in zip(kinds, given, strict=True):
        name = kind if kinds.count(kind) == 1 else "-".join([kind, *_options(part)])
        if name in named:
            raise ValueError(f"'study': {name!r} is stated twice.")
        named[name] = part
    return named


def _options(part: Config) -> list[str]:
    """Return what a part states besides its kind, fit for a file's name."""
    stated = part.model_dump(mode="json", exclude_unset=True, exclude={"kind"})
    texts = [f"{key}{value}" for key, value in stated.items()]
    return ["".join(c for c in text if c.isalnum() or c in "._") for text in texts]
