"""`Results` (what is measured) and `Metric` (how): pure functions of collected predictions.

Keeping the predictions, not running sums, lets every metric be bootstrapped over any grouping of
rows, and makes evaluation on several processes a matter of concatenation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from onebody.types import Array, Bools, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """Predictions of one task beside the truth; M entries (samples, or frames of samples).

    Attributes:
        prediction: class probabilities ``[M, C]``, joints ``[M, J, D]`` in source pixels or mm, or
            boxes ``[M, 4]`` in source pixels.
        target: class indices ``[M]``, or joints or boxes in the same unit.
        row: ``[M]`` row of the table that an entry belongs to.
        mask: ``[M, J]`` joints that are annotated; None for classes.
        scale: named lengths ``[M]`` that errors are divided by (``crop``: side of the network's
            crop in source pixels; ``box``: longer side of the annotated joints' box; ``head``: the
            annotated size of the head, else the distance of the joints at its ends).
    """

    prediction: Array
    target: Array
    row: Ints
    mask: Bools | None = None
    scale: Mapping[str, Array] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.row)

    def select(self, entries: Bools | Ints) -> Results:
        """Return some entries, by mask or by index (repeats allowed: a bootstrap draw)."""
        return Results(
            prediction=self.prediction[entries],
            target=self.target[entries],
            row=self.row[entries],
            mask=None if self.mask is None else self.mask[entries],
            scale={name: values[entries] for name, values in self.scale.items()},
        )


def concatenate(parts: Sequence[Results]) -> Results:
    """Join the results of several batches or processes."""
    masks = [part.mask for part in parts if part.mask is not None]
    return Results(
        prediction=np.concatenate([part.prediction for part in parts]),
        target=np.concatenate([part.target for part in parts]),
        row=np.concatenate([part.row for part in parts]),
        mask=np.concatenate(masks) if masks else None,
        scale={k: np.concatenate([part.scale[k] for part in parts]) for k in parts[0].scale},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A figure of merit.

    Attributes:
        name: as printed and as named in recipes (``top1``).
        function: results to a number; NaN where nothing can be measured (no entries).
        higher_is_better: the direction.
        unit: ``"%"`` (values are fractions, printed times 100), ``"px"``, ``"mm"`` or ``""``.
        summary: one line for ``onebody list``.
        values: metrics that are a mean: results to the numbers whose mean (of what is not NaN) is
            ``function``, first axis M. They make the bootstrap a matter of sums.
    """

    name: str
    function: Callable[[Results], float]
    higher_is_better: bool
    unit: str = ""
    summary: str = ""
    values: Callable[[Results], Array] | None = None
