"""One step of a stream: a frame and a state go in, answers and the next state come out.

`StepModule` is a causal network as a plain function of tensors, which is what exporters and
compilers need; every way to run it is a `StepRunner`, so that nobody need know which one runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from onebody.data import Batch, InputSpec
from onebody.data.reading import channels_of
from onebody.inference.runtimes import Precision, Runtime, compiled, eager, quiet
from onebody.models import Network, SavedNetwork, blank_batch, blank_state
from onebody.types import Floats


class StepRunner(Protocol):
    """A way to run one step.

    Attributes:
        name: what runs it (``eager``, ``openvino``).
        precision: what it computes in (``fp32``, ``bf16``, ``int8``).
    """

    @property
    def name(self) -> str:
        """What runs it."""

    @property
    def precision(self) -> str:
        """What it computes in."""

    def step(
        self, frame: Floats, state: Sequence[Floats] | None
    ) -> tuple[dict[str, Floats], list[Floats]]:
        """Run on the next frame of a stream.

        Args:
            frame: ``[1, C, H, W]`` in [0, 1] (optical flow: [-1, 1]), as the network's `InputSpec`
                prepares pictures.
            state: what the last step returned; None begins a stream. It is never changed in place.

        Returns:
            The raw final output of every task for this frame (logits ``[1, 1, C]``, joints
            ``[1, 1, J, D + 1]`` as crop fractions), and the state.
        """


class StepModule(nn.Module):
    """A causal network as a function ``(frame, *state) -> (*outputs, *state)``.

    Attributes:
        tasks: names of the outputs, in order.
        states: names of the states, in order.
        begin: the states before the first frame.
        frame_shape: ``(1, C, H, W)``.
    """

    def __init__(self, network: Network, spec: InputSpec) -> None:
        """Find out what a network answers and remembers.

        Args:
            network: in evaluation mode.
            spec: of its pictures.

        Raises:
            ValueError: if it reads no pictures, is not causal, or its state has no fixed shape.
        """
        super().__init__()
        if channels_of(spec.modality) is None or spec.also:
            read = " and ".join(repr(medium.modality) for medium in spec.media)
            raise ValueError(f"A stream is of one medium of pictures; this network reads {read}.")
        self.network = network
        self.modality = spec.modality
        blank = blank_batch(spec.model_copy(update={"frames": 1}))
        state = blank_state(network, blank)
        with torch.inference_mode():
            outputs, _ = network.stream(blank, state)
        self.context = blank.context
        self.tasks = tuple(outputs)
        self.states = tuple(state)
        self.begin: list[Floats] = [value.numpy() for value in state.values()]
        _, channels, _, height, width = blank.inputs[spec.modality].shape
        self.frame_shape = (1, channels, height, width)

    def forward(self, frame: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Map ``[1, C, H, W]`` and the states to the outputs and the states."""
        batch = Batch(inputs={self.modality: frame.unsqueeze(2)}, context=self.context)
        outputs, left = self.network.stream(batch, dict(zip(self.states, state, strict=True)))
        answers = [outputs[name][-1].float() for name in self.tasks]
        answers = [x.unsqueeze(1) if x.ndim == 2 else x for x in answers]  # clips to frames
        return (*answers, *(left[name].float() for name in self.states))

    def examples(self) -> list[Floats]:
        """Return arguments of the right shapes: a grey frame and the begin."""
        return [np.full(self.frame_shape, 0.5, np.float32), *self.begin]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeStep:
    """A `StepRunner` made of a `Runtime`.

    Attributes:
        runtime: runs ``(frame, *state) -> [*outputs, *state]``.
        tasks: names of the outputs.
        begin: the states before the first frame.
    """

    runtime: Runtime
    tasks: Sequence[str]
    begin: Sequence[Floats]

    @property
    def name(self) -> str:
        """What runs it."""
        return self.runtime.name

    @property
    def precision(self) -> Precision:
        """What it computes in."""
        return self.runtime.precision

    def step(
        self, frame: Floats, state: Sequence[Floats] | None
    ) -> tuple[dict[str, Floats], list[Floats]]:
        """Run on the next frame; see `StepRunner.step`."""
        found = self.runtime.run(frame, *(self.begin if state is None else state))
        count = len(self.tasks)
        return dict(zip(self.tasks, found[:count], strict=True)), found[count:]


def eager_step(saved: SavedNetwork, precision: Precision = "fp32") -> RuntimeStep:
    """Run a network as it is.

    Raises:
        ValueError: as of `StepModule`.
    """
    module = StepModule(saved.network, saved.input).eval()
    return RuntimeStep(runtime=eager(module, precision), tasks=module.tasks, begin=module.begin)


def compiled_step(saved: SavedNetwork, precision: Precision = "fp32") -> RuntimeStep:
    """Compile a network; takes up to minutes.

    Raises:
        ValueError: as of `StepModule`.
        RuntimeError: without a C++ compiler.
    """
    module = StepModule(saved.network, saved.input).eval()
    runtime = compiled(traced(module, precision), module.examples(), precision)
    return RuntimeStep(runtime=runtime, tasks=module.tasks, begin=module.begin)


def traced(module: StepModule, precision: Precision = "fp32") -> nn.Module:
    """Return a step as a plain graph of tensor operations, for compilers.

    To be run at the same precision: parts that are kept in float32 are so in the graph.
    """
    arguments = tuple(map(torch.from_numpy, module.examples()))
    bf16 = torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16")
    with quiet(), torch.no_grad(), bf16:
        return torch.export.export(module, arguments).module()
