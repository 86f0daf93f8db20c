"""`SPNet` as one more `Network` of the house.

Poses answer the pose tasks, the sets of actions the class tasks, in the order of the recipe. Every
prediction is an output of its task, so that each gets a loss.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from onebody.data import Batch
from onebody.models.asked import pick_rows, trainable_or_refuse
from onebody.models.base import Network, Outputs, Rows, all_rows
from onebody.models.composites import Composites
from onebody.models.inputs import InputShape, single_picture, take_input
from onebody.models.spnet.config import SPNetConfig, SPNetShape
from onebody.models.spnet.fusion import Fusion, fused
from onebody.models.spnet.network import SPNet, SPNetOutput
from onebody.tasks import Task
from onebody.types import State


class SPNetNetworkConfig(SPNetShape):
    """SPNet for a recipe's tasks; joints, classes and channels follow from these.

    Attributes:
        action_pyramids: empty: all of them, where there is a class task.
        num_joints: joints that actions are read from where no pose task says how many.
        fusion: what a class task answers: its ``best`` prediction, as chosen on validation rows
            (until then the last), or the ``average`` or ``product`` of all their probabilities.
    """

    kind: Literal["spnet"] = "spnet"
    num_joints: int = Field(16, ge=1)
    fusion: Fusion = "best"


class SPNetNetwork(Network):
    """SPNet under the house's tasks.

    The authors' code reports the best prediction on the test set itself. Here `choose` is called
    with what validation rows say.

    Attributes:
        net: the network.
        choices: by task, how many outputs there are to choose from.
        chosen: ``[tasks]`` which output each task answers with, -1: the last.
    """

    causal = False
    chosen: Tensor

    def __init__(
        self, net: SPNet, tasks: Mapping[str, Task], modality: str, fusion: Fusion
    ) -> None:
        super().__init__()
        self.net = net
        self.tasks = dict(tasks)
        self.composites = Composites(self.tasks)
        self.modality, self.fusion = modality, fusion
        plain = [name for name, task in tasks.items() if not task.reads]
        self.sets = [name for name in plain if tasks[name].form == "vector"]
        self.poses = [name for name in plain if tasks[name].form == "joints"]
        acting = sum(step.action > 0 for step in net.steps)
        self.choices = dict.fromkeys(self.poses, len(net.steps))
        if fusion == "best":
            self.choices |= dict.fromkeys(self.sets, acting)
        self.register_buffer("chosen", torch.full((len(plain),), -1))
        self._place = {name: number for number, name in enumerate(plain)}

    def forward(
        self, batches: Sequence[Batch], rows: Sequence[Rows] | None = None
    ) -> list[Outputs]:
        """Run a step; see `Network.forward`."""
        if rows is None:
            rows = [all_rows(batch, self.composites.order) for batch in batches]
        return [self._run(batch, asked) for batch, asked in zip(batches, rows, strict=True)]

    def stream(self, frame: Batch, state: State) -> tuple[Outputs, State]:  # noqa: ARG002
        """Refuse; see `Network.stream`."""
        raise ValueError(
            "This network cannot run on a stream: SPNet's action blocks look ahead. Give it clips."
        )

    def shared(self, tasks: Sequence[str]) -> list[nn.Parameter]:
        """Return the last convolution that all these tasks' maps are made from.

        Earlier predictions of the same tasks leave the network before it.
        """
        plain = self.composites.plain(tasks)
        acts = any(name in self.sets for name in plain)
        steps = [step for step in self.net.steps if step.action or not acts]
        names = [f"blocks.{step.block}.conv1.pointwise" for step in steps[::-1]]
        last = [[self.net.get_submodule(name)] for name in names]
        return trainable_or_refuse([*last, [self.net.entry]], plain)

    @property
    def bodies(self) -> list[nn.Module]:
        """The network of the paper; see `Network.bodies`."""
        return [self.net]

    def choose(self, task: str, output: int) -> None:
        """Answer a task with one of its outputs; see `Network.choose`."""
        super().choose(task, output)
        self.chosen[self._place[task]] = output

    def parts(self, name: str, found: SPNetOutput) -> tuple[Tensor, ...]:
        """Return a task's part of every prediction, in the network's order.

        Args:
            name: of a pose or class task.
            found: of the network, perhaps truncated.
        """
        if name in self.sets:
            return tuple(block[self.sets.index(name)] for block in found.logits)
        dims = self.tasks[name].dims
        return tuple(
            pose if pose.shape[-1] == dims + 1 else pose[..., [*range(dims), -1]]
            for pose in found.poses
        )

    def _run(self, batch: Batch, asked: Rows) -> Outputs:
        """Run one Batch."""
        asked = self.composites.asked(asked)
        rows = self.composites.with_parts(asked)
        plain = {name: rows[name] for name in rows if name in self._place}
        if not plain:
            return {}
        run = torch.stack(list(plain.values())).any(0)
        clips = take_input(batch.inputs, batch.valid, self.modality, self.net.config.in_channels)
        clips = clips if bool(run.all()) else clips[run]
        found = self.net(clips * 2 - 1, actions=any(name in self.sets for name in plain))
        outputs = {
            name: tuple(pick_rows(part, run, wanted) for part in self._outputs(name, found))
            for name, wanted in plain.items()
        }
        return self.composites.finish(outputs, rows, asked)

    def _outputs(self, name: str, found: SPNetOutput) -> tuple[Tensor, ...]:
        """Return a task's outputs, its answer last."""
        parts = self.parts(name, found)
        if self.training:
            return parts
        if name in self.sets and self.fusion != "best":
            return (*parts, fused(parts, self.fusion))
        best = int(self.chosen[self._place[name]]) % len(parts)
        return (*parts[:best], *parts[best + 1 :], parts[best])


def build_spnet(
    config: SPNetNetworkConfig, *, tasks: Mapping[str, Task], inputs: Mapping[str, InputShape]
) -> SPNetNetwork:
    """Build SPNet for tasks.

    Raises:
        ValueError: if a task is neither a pose nor one class per clip, or poses differ in joints.
    """
    modality, channels = single_picture(inputs, config.kind)
    plain = {name: task for name, task in tasks.items() if not task.reads}
    strange = [name for name, task in plain.items() if task.form not in ("joints", "vector")]
    if strange or not plain:
        named = f"{strange[0]!r} of form {plain[strange[0]].form!r}" if strange else "none"
        raise ValueError(
            f"The network 'spnet' answers poses and one class per clip; found {named}. Take the "
            "network 'multitask'."
        )
    poses = {name: task for name, task in plain.items() if task.form == "joints"}
    counts = {name: task.num_outputs for name, task in poses.items()}
    if len(set(counts.values())) > 1:
        raise ValueError(
            f"The network 'spnet' has one set of joints, but pose tasks have {counts}. Give them "
            "the same 'skeleton'."
        )
    sets = tuple(task.num_outputs for task in plain.values() if task.form == "vector")
    every = tuple(range(1, config.num_pyramids + 1))
    shape = config.model_dump(exclude={"kind", "num_joints", "action_pyramids", "fusion"})
    own = SPNetConfig(
        **shape,
        num_joints=next(iter(counts.values()), config.num_joints),
        dim=3 if any(task.dims == 3 for task in poses.values()) else 2,
        num_actions=sets,
        action_pyramids=(config.action_pyramids or every) if sets else (),
        in_channels=channels,
    )
    net = SPNet(own)
    if sets and not any(step.action for step in net.steps):
        raise ValueError(
            f"The network 'spnet' is truncated after {config.truncate} predictions, before its "
            f"first action pyramid ({min(own.action_pyramids)}). Truncate it later."
        )
    return SPNetNetwork(net, tasks, modality, config.fusion)
