"""`UnusualAnswer`: how unlike anything seen in training a network finds what it looks at."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from onebody.inference.windows import cut_windows
from onebody.models.familiar import SCORES, TOLD, Familiar
from onebody.types import Bools, Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UnusualAnswer:
    """Scores of every window, higher for what is less familiar.

    Attributes:
        names: S scores (`onebody.models.familiar`).
        windows: ``[W, 2]`` first frame and the frame after the last one of every window.
        scores: ``[W, S]``, of a window's clips the mean.
        limits: ``[S]``, below which a stated share of known validation clips lies; NaN: unknown.
    """

    names: tuple[str, ...]
    windows: Ints
    scores: Floats
    limits: Floats

    def __post_init__(self) -> None:
        shapes = (self.windows.shape, self.scores.shape, self.limits.shape)
        count, kinds = len(self.windows), len(self.names)
        if shapes != ((count, 2), (count, kinds), (kinds,)):
            raise ValueError(
                f"Expected windows [W, 2], scores [W, {kinds}] and limits [{kinds}], found "
                f"{', '.join(str(list(shape)) for shape in shapes)}."
            )

    def above(self, name: str = TOLD) -> Bools:
        """Return ``[W]`` which windows' score is above its limit; False where there is none."""
        scores, limit = self.of(name)
        return np.asarray(scores > limit, np.bool_)

    def of(self, name: str = TOLD) -> tuple[Floats, float]:
        """Return one score of every window ``[W]``, and its limit."""
        place = self.names.index(name)
        return self.scores[:, place], float(self.limits[place])

    def select(self, start: int, stop: int) -> UnusualAnswer:
        """Return the windows that reach into frames ``start`` to ``stop``, cut to them."""
        windows, inside = cut_windows(self.windows, start, stop)
        return replace(self, windows=windows, scores=self.scores[inside])


class UnusualTrack:
    """Collects the scores of windows.

    Args:
        familiar: what training clips look like.
        windows: ``[W, 2]``.
        clips: clips of each window.
    """

    def __init__(self, familiar: Familiar, windows: Ints, clips: int) -> None:
        self._familiar, self._windows, self._clips = familiar, windows, clips
        self._scores = np.zeros((len(windows), len(SCORES)), np.float32)

    def add(self, windows: Ints, features: Tensor, logits: Tensor) -> None:
        """Add B clips.

        Args:
            windows: ``[B]`` whose they are.
            features: ``[B, C]``.
            logits: ``[B, L]`` or ``[B, T, L]``; see `Familiar.scores`.
        """
        found = self._familiar.scores(features.cpu(), logits.cpu())
        values = torch.stack([found[name].float() for name in SCORES], dim=1)
        np.add.at(self._scores, windows, values.numpy() / self._clips)

    def finish(self) -> UnusualAnswer:
        """Return the scores of all windows."""
        limits = self._familiar.limits or {}
        return UnusualAnswer(
            names=SCORES,
            windows=self._windows,
            scores=self._scores,
            limits=np.array([limits.get(name, np.nan) for name in SCORES], np.float32),
        )
