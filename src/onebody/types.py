"""Values that every room shares.

Axis letters used in shape comments throughout the package:

======  =========================================================================
``B``   samples of one batch (``N``: the samples of it that one task asks for)
``T``   frames; a still image has ``T = 1``
``J``   joints of a skeleton; ``S`` worn sensors
``C``   channels or classes, ``D`` coordinates (2 or 3)
``H W`` rows and columns of an image or a feature map
======  =========================================================================
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from torch import Tensor

Feature: TypeAlias = Tensor
"""What stages pass on: ``[B, C, T, *space]`` with space ``()``, ``(J,)`` or ``(H, W)``."""

State: TypeAlias = dict[str, Tensor]
"""What a causal network remembers of a stream, by layer; empty at the stream's beginning."""

Space: TypeAlias = Literal["vector", "joints", "map"]
"""The kind of space a Feature has: ``()``, ``(J,)`` or ``(H, W)``."""

Form: TypeAlias = Literal["vector", "frames", "joints", "box"]
"""What a task asks of a head: ``[N, C]``, ``[N, T, C]``, ``[N, T, J, D + 1]`` or ``[N, T, 4]``."""

PLACES: frozenset[Form] = frozenset({"joints", "box"})
"""The forms whose answers are places in every frame, not classes."""

Array: TypeAlias = npt.NDArray[np.generic]
Floats: TypeAlias = npt.NDArray[np.float32]
Doubles: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]
Frames: TypeAlias = npt.NDArray[np.uint8]
"""Decoded pictures ``[T, H, W, C]``, RGB (C = 3) or grey (C = 1)."""
