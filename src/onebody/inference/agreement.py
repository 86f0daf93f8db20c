"""How far a quantized or exported network is from float32 on rows that it was not made with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from onebody.data import Batch, Source, evaluation_batches
from onebody.inference.runtimes import Runner
from onebody.metrics import Results, concatenate
from onebody.models import SPNetNetwork
from onebody.models.inputs import take_input
from onebody.models.spnet import SPNetOutput
from onebody.types import Floats, Ints

EVERY = 4
"""One row of so many is for calibration, the others are measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Differences from eager float32 over all predictions.

    Attributes:
        rows: that were compared.
        pose_px_max: largest distance of a joint, in pixels of the crop.
        pose_px_mean: mean distance.
        probability_max: largest difference of a class's probability; NaN: there are no classes.
        probability_mean: mean difference.
        figures: by task, its primary metric of the last prediction: in float32, then as measured.
    """

    rows: int
    pose_px_max: float
    pose_px_mean: float
    probability_max: float
    probability_mean: float
    figures: Mapping[str, tuple[float, float]]


class RealClips:
    """Rows that reduced precisions are calibrated on, and others that they are measured on.

    Attributes:
        calibration: inputs ``[B, C, T, H, W]`` in [-1, 1].
    """

    def __init__(
        self, network: SPNetNetwork, sources: Sequence[Source], shape: Sequence[int], rows: int
    ) -> None:
        """Read rows.

        Args:
            network: whose tasks are measured.
            sources: with labels; only those whose clips have the shape are read.
            shape: ``[B, C, T, H, W]`` that the network was exported for.
            rows: of each source, spread over it; one of `EVERY` is for calibration.

        Raises:
            ValueError: if there are less than two such rows.
        """
        self.network, self.batch = network, shape[0]
        self.calibration: list[Floats] = []
        self._measured: list[tuple[Floats, Batch]] = []
        for source in sources:
            if (source.spec.frames, source.spec.size) != (shape[2], shape[3]):
                continue  # stills beside clips are of another shape
            chosen = _spread(np.flatnonzero(source.readable()), rows)
            part = np.arange(len(chosen)) % EVERY == 0
            self.calibration += [x for x, _ in self._read(source, chosen[part])]
            self._measured += self._read(source, chosen[~part])
        if not self.calibration or not self._measured:
            raise ValueError(
                f"Expected validation rows of {shape[2]} frames of {shape[3]} pixels to calibrate "
                "on and to measure, found less than two. Run without them."
            )

    def compare(self, runner: Runner, expected: Runner) -> Agreement:
        """Run the measured rows both ways.

        Args:
            runner: of a network, perhaps truncated, that returns poses, then probabilities.
            expected: the same in eager float32.
        """
        both = (_Collected(), _Collected())
        gaps: dict[str, list[Floats]] = {"poses": [], "actions": []}
        rows = 0
        for x, batch in self._measured:
            count = len(batch)
            rows += count
            found = [self._output(run(x), count) for run in (runner, expected)]
            for ours, theirs in zip(found[0].poses, found[1].poses, strict=True):
                gap = (ours[..., :2] - theirs[..., :2]).norm(dim=-1) * x.shape[-1]
                gaps["poses"].append(gap.flatten().numpy())
            for block, other in zip(found[0].actions, found[1].actions, strict=True):
                gaps["actions"] += [
                    (a - b).abs().flatten().numpy() for a, b in zip(block, other, strict=True)
                ]
            for collected, output in zip(both, found, strict=True):
                collected.add(self.network, batch, output)
        poses, actions = (
            np.concatenate(g) if g else np.array([np.nan], np.float32) for g in gaps.values()
        )
        after, before = (collected.figures(self.network) for collected in both)
        return Agreement(
            rows=rows,
            pose_px_max=float(poses.max()),
            pose_px_mean=float(poses.mean()),
            probability_max=float(actions.max()),
            probability_mean=float(actions.mean()),
            figures={name: (before[name], after[name]) for name in after},
        )

    def _read(self, source: Source, rows: Ints) -> list[tuple[Floats, Batch]]:
        """Read rows as whole inputs; the last is filled up by repetition."""
        if not len(rows):
            return []
        part = replace(source, table=source.table.select(rows), batch_size=self.batch)
        read = []
        for batch in evaluation_batches(part):
            net = self.network.net.config
            clips = take_input(batch.inputs, batch.valid, self.network.modality, net.in_channels)
            x = (clips * 2 - 1).numpy()
            read.append((x[np.arange(self.batch) % len(x)], batch))
        return read

    def _output(self, parts: Sequence[Floats], rows: int) -> SPNetOutput:
        """Put what a runner returned back into form; probabilities become logits."""
        tensors = [torch.from_numpy(part[:rows]) for part in parts]
        sets = len(self.network.net.config.num_actions)
        poses = [t for t in tensors if t.ndim == 4]
        logits = [t.clamp_min(1e-30).log() for t in tensors if t.ndim == 2]
        blocks = [logits[i : i + sets] for i in range(0, len(logits), sets)] if sets else []
        return SPNetOutput(tuple(poses), tuple(blocks))


@dataclass(slots=True)
class _Collected:
    """What metrics need of the last prediction of every task, batch by batch."""

    parts: dict[str, list[Results]] = field(default_factory=dict)

    def add(self, network: SPNetNetwork, batch: Batch, output: SPNetOutput) -> None:
        """Collect a batch."""
        names = [*network.poses, *network.sets]
        for name, rows in batch.present(names).items():
            outputs = network.parts(name, output)
            if outputs and bool(rows.any()):
                answer: Tensor = outputs[-1][rows]
                truth, context = batch.targets[name].select(rows), batch.context.select(rows)
                found = network.tasks[name].collect(answer, truth, context)
                self.parts.setdefault(name, []).append(found)

    def figures(self, network: SPNetNetwork) -> dict[str, float]:
        """Return each task's primary metric."""
        tasks = network.tasks
        metrics: dict[str, Callable[[Results], float]] = {
            name: tasks[name].metrics[tasks[name].primary].function for name in self.parts
        }
        return {name: metrics[name](concatenate(found)) for name, found in self.parts.items()}


def _spread(rows: Ints, most: int) -> Ints:
    """Choose at most so many rows at equal distances."""
    if len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).round().astype(np.int64)]
