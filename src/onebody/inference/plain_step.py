"""The plainest `StepRunner`: `Network.stream` in PyTorch, as it is, on the device where it is."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from onebody.data import Batch
from onebody.models import SavedNetwork, blank_batch
from onebody.types import Floats


class PlainStep:
    """Runs any causal network, also one whose state grows at first.

    Args:
        saved: the network, in evaluation mode.

    Raises:
        ValueError: if it looks ahead; names the part.
    """

    name = "pytorch"
    precision = "fp32"

    def __init__(self, saved: SavedNetwork) -> None:
        self.network = saved.network
        self.modality = saved.input.modality
        found = next(self.network.parameters(), torch.empty(0))
        self.device = found.device
        blank = blank_batch(saved.input.model_copy(update={"frames": 1}), device=self.device)
        self._context = blank.context
        self._names: tuple[str, ...] = ()
        with torch.inference_mode():
            self.network.stream(blank, {})  # says what looks ahead, before anything is shown

    def step(
        self, frame: Floats, state: Sequence[Floats] | None
    ) -> tuple[dict[str, Floats], list[Floats]]:
        """Run on the next frame; see `StepRunner.step`."""
        pixels = torch.from_numpy(frame).unsqueeze(2).to(self.device)
        batch = Batch(inputs={self.modality: pixels}, context=self._context)
        before = {
            name: torch.from_numpy(value).to(self.device)
            for name, value in zip(self._names, state or (), strict=state is not None)
        }
        with torch.inference_mode():
            outputs, left = self.network.stream(batch, before)
        self._names = tuple(left)
        answers = {}
        for name, found in outputs.items():
            value = found[-1].float()
            value = value.unsqueeze(1) if value.ndim == 2 else value  # a clip's answer to a frame's
            answers[name] = value.cpu().numpy()
        return answers, [value.cpu().numpy() for value in left.values()]
