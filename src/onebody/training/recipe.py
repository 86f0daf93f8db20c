"""`Recipe`: everything that a training depends on, read from one file and checked at one place."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import ConfigDict, Field, model_validator

from onebody.balancing import BALANCERS
from onebody.config import Config, choice, nearest, read_config, without_later
from onebody.data import InputSpec
from onebody.data.augment import AugmentConfig
from onebody.data.splice import SpliceConfig
from onebody.datasets import DATASETS
from onebody.evaluation import People, SplitConfig, ViewsConfig
from onebody.models import NETWORKS
from onebody.tasks import TASKS, TaskConfig
from onebody.training.calibrate import CalibrateConfig
from onebody.training.derive import DeriveConfig
from onebody.training.gradients import GradientConfig
from onebody.training.keep import KeepConfig
from onebody.training.optimizer import OPTIMIZERS, OptimizerConfig
from onebody.training.pseudo import PseudoConfig, content_hash
from onebody.training.schedule import ScheduleConfig

if TYPE_CHECKING:
    DatasetPart: TypeAlias = Config
    NetworkPart: TypeAlias = Config
    BalancerPart: TypeAlias = Config
    OptimizerPart: TypeAlias = OptimizerConfig
    TaskPart: TypeAlias = TaskConfig
else:  # the same, with the reading of ``kind`` attached
    DatasetPart = choice(DATASETS, "dataset")
    NetworkPart = choice(NETWORKS, "network")
    BalancerPart = choice(BALANCERS, "balancer")
    OptimizerPart = choice(OPTIMIZERS, "optimizer")
    TaskPart = choice(TASKS, "task")

_NO_INFLUENCE = ("workers", "log_every", "checkpoint_every", "device")
"""Keys of ``train`` that may change between a run and its resumption."""


class HideConfig(Config):
    """Labels that training goes without, to see what partial labels cost.

    Attributes:
        columns: columns whose labels are hidden together, on the same rows.
        share: share of the labeled training rows, drawn by ``evaluation.split_seed``.
    """

    columns: tuple[str, ...] = Field(min_length=1)
    share: float = Field(gt=0.0, lt=1.0)


class DataConfig(Config):
    """One source of samples.

    Attributes:
        dataset: which dataset (a kind, or a mapping with the dataset's own keys).
        rename: columns that get another name here, so that a task finds those of several sets.
        derive: by the name of a new class column, the column that it is made of and its ``tree``:
            class to the list of that column's classes. Its labels stay where those are hidden.
        labels: columns that are used of it; empty: all. Two sets may call different things alike.
        media: media that are used of it, the others hidden from training and test; empty: all. So a
            network of several media has twins that learn from some, of equal size and draws.
        batch_size: rows per Batch (of all processes together).
        weight: share of the steps, where a step has one source only (``train.mixing: one``).
        balance: columns whose labeled rows fill the Batch in turn, so that a task with few labels
            is seen as often as one with many; empty: every row equally often.
        input: keys of the recipe's ``input`` that differ for this source (``modality: depth``).
        hide: a share of the labels that training goes without.
        keep: few labels per class of one column, with which training has to do.
        thin: by class column, the share of its labeled rows that training keeps; the others are
            left out whole (see `onebody.training.thin`).
        splice: training clips that are made of two, for tasks that answer every frame (see
            `onebody.data.splice`).
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"derive", "media", "splice"})

    dataset: DatasetPart
    rename: dict[str, str] = Field(default_factory=dict)
    derive: dict[str, DeriveConfig] = Field(default_factory=dict)
    labels: tuple[str, ...] = ()
    media: tuple[str, ...] = ()
    batch_size: int = Field(16, ge=1)
    weight: float = Field(1.0, gt=0.0)
    balance: tuple[str, ...] = ()
    input: dict[str, Any] = Field(default_factory=dict)
    hide: HideConfig | None = None
    keep: KeepConfig | None = None
    thin: dict[str, Annotated[float, Field(gt=0.0, le=1.0)]] = Field(default_factory=dict)
    splice: SpliceConfig | None = None

    @model_validator(mode="after")
    def _one_rule(self) -> DataConfig:
        if self.hide and self.keep and self.keep.column in self.hide.columns:
            raise ValueError(
                f"'hide' and 'keep' both say which labels of {self.keep.column!r} are left; state "
                "one of them"
            )
        return self


class EvaluationConfig(ViewsConfig):
    """How validation and test are run.

    Further attributes, of the test split alone: those of `ViewsConfig`.

    Attributes:
        batch_size: rows per Batch.
        clips: clips per sample whose answers are joined, on the test split; validation, which
            only compares checkpoints, takes one clip and one view.
        split_seed: of what ``split`` draws; apart from ``train.seed``, so that runs with other
            seeds are measured on the same rows.
    """

    batch_size: int = Field(32, ge=1)
    clips: int = Field(1, ge=1)
    split_seed: int = Field(0, ge=0)


class TrainConfig(Config):
    """How the loop runs.

    Attributes:
        seed: of weights, order, augmentation and dropout.
        device: ``auto`` takes a GPU where there is one.
        bf16: compute in bfloat16 where that is safe; weights and losses stay float32.
        channels_last: lay out images and clips with the channels innermost, which is faster.
        clip_norm: greatest norm of the whole gradient; null does not clip.
        ema: decay of the running average of the weights that is validated and saved; null: none.
        init: weights to start from: a saved network (folder), of which arrays of equal name and
            shape are taken, or a file of encoder weights (see `onebody.models.initialize`).
        mixing: whether a step has a Batch of ``every`` source or of ``one``, drawn by weight.
        temperature: the drawing's weights are raised to 1 / temperature (higher: more even).
        workers: processes that prepare Batches; they change nothing about the result.
        on_error: at a sample that cannot be read: ``stop``, or ``skip`` it and report it.
        log_every: steps between two lines of the log.
        validate_every: epochs between two validations; the last step is validated in any case.
        checkpoint_every: steps between two checkpoints; null: after each epoch.
        monitor: what makes a checkpoint the best: ``score`` (mean of the tasks' primary metrics
            on the validation split) or one metric, as ``task/metric``.
    """

    seed: int = Field(0, ge=0)
    device: Literal["auto", "cpu", "cuda"] = "auto"
    bf16: bool = False
    channels_last: bool = True
    clip_norm: float | None = Field(None, gt=0.0)
    ema: float | None = Field(None, gt=0.0, lt=1.0)
    init: Path | None = None
    mixing: Literal["every", "one"] = "every"
    temperature: float = Field(1.0, gt=0.0)
    workers: int = Field(0, ge=0)
    on_error: Literal["stop", "skip"] = "stop"
    log_every: int = Field(10, ge=1)
    validate_every: int = Field(1, ge=1)
    checkpoint_every: int | None = Field(None, ge=1)
    monitor: str = "score"


class Recipe(Config):
    """A training, whole: the same recipe on the same machine gives the same weights.

    Attributes:
        data: sources of samples.
        tasks: by name.
        network: what is trained.
        input: how media become the network's input.
        split: how rows are divided into training, validation and test.
        judged_on: by task, whose validation and test rows it is judged on: those of people whom
            training has ``seen`` (``split.seen_share`` holds out recordings of them) or ``unseen``
            ones; tasks that are not named count on all rows.
        augment: how training samples are varied; everything is off by default.
        balancer: how the tasks' losses are weighed.
        gradient: what of the network the gradients are of that the balancer compares, if it does.
        optimizer: what moves the weights.
        schedule: how long, and how the learning rate runs.
        train: how the loop runs.
        evaluation: how validation and test are run.
        twins: by name, the tasks of each network that ``onebody compare`` trains beside this one;
            empty: one for each task.
        pseudo: teachers, networks of finished runs, whose answers serve as soft labels where a
            training row has none; at most one for each task.
        unknown: by class column, classes that are held out: their rows are neither trained on nor
            validated, and those of the test are clips of none of the tasks.
        calibrate: how probabilities are calibrated on the validation rows after training, and when
            an answer over several tasks is "none of these".
        study: what ``onebody study`` varies; read by `onebody.studies`, and nothing to a training.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"judged_on"})

    data: tuple[DataConfig, ...]
    tasks: dict[str, TaskPart]
    network: NetworkPart
    input: InputSpec = InputSpec()
    split: SplitConfig = SplitConfig()
    judged_on: dict[str, People] = Field(default_factory=dict)
    augment: AugmentConfig = AugmentConfig()
    balancer: BalancerPart = "average"  # type: ignore[assignment]
    gradient: GradientConfig | None = None
    optimizer: OptimizerPart = "adamw"  # type: ignore[assignment]
    schedule: ScheduleConfig
    train: TrainConfig = TrainConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    twins: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    pseudo: tuple[PseudoConfig, ...] = ()
    unknown: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    calibrate: CalibrateConfig = CalibrateConfig()
    study: dict[str, Any] = Field(default_factory=dict)

    model_config = ConfigDict(validate_default=True)

    @model_validator(mode="after")
    def _possible(self) -> Recipe:
        for key in ("data", "tasks"):  # here, so that a fault within is not followed by "is empty"
            if not getattr(self, key):
                raise ValueError(f"{key!r} is empty; a training needs at least one entry")
        for place in range(len(self.data)):
            self.input_of(place)
        for part in (self.network, self.balancer):
            for key, names in _by_task(part).items():
                _check_tasks(names, self.tasks, f"{getattr(part, 'kind', '')} {key!r}")
        for name, task in self.tasks.items():
            _check_tasks(task.needs, self.tasks, f"task {name!r}")
            if task.name not in ("", name):
                raise ValueError(f"task {name!r} calls itself {task.name!r}; leave 'name' out")
        taught = [part.task for part in self.pseudo]
        _check_tasks(taught, self.tasks, "'pseudo'")
        if len(set(taught)) < len(taught):
            raise ValueError(f"'pseudo' names a task twice: {', '.join(taught)}")
        _check_tasks(self.judged_on, self.tasks, "'judged_on'")
        for name, members in self.twins.items():
            _check_tasks(members, self.tasks, f"twin {name!r}")
        if self.train.monitor != "score":
            watched, _, metric = self.train.monitor.partition("/")
            if not metric:
                raise ValueError(
                    f"'train.monitor': expected 'score' or 'task/metric', found {watched!r}"
                )
            _check_tasks((watched,), self.tasks, "'train.monitor'")
        return self

    def input_of(self, place: int) -> InputSpec:
        """Return how the media of one source are prepared."""
        changes = self.data[place].input
        values = {**self.input.model_dump(), **changes}
        return read_config(InputSpec, values, f"'data.{place}.input'")

    def only(self, tasks: Iterable[str]) -> Recipe:
        """Return the recipe for some of the tasks, everything else being equal.

        With one task it is the single-task twin that a joint training is compared with. Tasks that
        need others (unions, routers) go when one of those goes; a monitored metric of a lost task
        becomes the score of the tasks that are left.

        Raises:
            ValueError: if the recipe has no such task.
        """
        kept = set(tasks)
        _check_tasks(kept, self.tasks, "the selection")
        left = {n: t for n, t in self.tasks.items() if n in kept and kept.issuperset(t.needs)}
        if not left:
            raise ValueError(f"{', '.join(sorted(kept))}: made of tasks that are not selected.")
        monitored = self.train.monitor.partition("/")[0]
        train = self.train
        if monitored != "score" and monitored not in left:
            train = train.model_copy(update={"monitor": "score"})
        changes = {
            "tasks": left,
            "network": _without(self.network, left),
            "balancer": _without(self.balancer, left),
            "train": train,
            "twins": {},
            "pseudo": tuple(part for part in self.pseudo if part.task in left),
            "judged_on": {name: who for name, who in self.judged_on.items() if name in left},
            "study": {},
        }
        return Recipe.model_validate({**dict(self), **changes})

    def plain(self) -> dict[str, Any]:
        """Return the recipe as plain values that `load_recipe` takes back."""
        return self.model_dump(mode="json")

    def fingerprint(self) -> str:
        """Return 16 hexadecimal digits of everything that the result depends on."""
        values = without_later(self, self.plain())
        del values["twins"], values["study"]
        values["train"] = {k: v for k, v in values["train"].items() if k not in _NO_INFLUENCE}
        values["pseudo"] = [[p, content_hash(Path(p["teacher"]))] for p in values["pseudo"]]
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def _by_task(part: Config) -> dict[str, Mapping[str, object]]:
    """Return a part's settings that are kept by task name."""
    found = {key: getattr(part, key, None) for key in ("heads", "weights")}
    return {key: value for key, value in found.items() if isinstance(value, Mapping)}


def _without(part: Config, left: Iterable[str]) -> Config:
    """Return a part without the settings of tasks that are not left."""
    kept = set(left)
    changes = {
        key: {name: value for name, value in values.items() if name in kept}
        for key, values in _by_task(part).items()
    }
    return part.model_copy(update=changes)


def _check_tasks(names: Iterable[str], tasks: Iterable[str], where: str) -> None:
    """Refuse a name that no task has."""
    for name in names:
        if name not in tasks:
            raise ValueError(f"{where} names the task {name!r}. {nearest(name, tasks)}")
