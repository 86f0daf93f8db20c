"""Which tasks are ever labeled on the same rows, and what that means for comparing gradients."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from onebody.data import Source
from onebody.data.targets import labeled_rows
from onebody.types import Bools


def apart(sources: Sequence[Source], tasks: Sequence[str]) -> list[tuple[str, str]]:
    """Return the pairs of tasks that have labels, but none on the same row.

    Args:
        sources: of the training.
        tasks: their names.
    """
    has: set[str] = set()
    together: set[tuple[str, str]] = set()
    for source in sources:
        labeled = _labeled(source)
        has |= {name for name in tasks if labeled[name].any()}
        for one, other in combinations(tasks, 2):
            if (labeled[one] & labeled[other]).any():
                together.add((one, other))
    return [
        pair for pair in combinations(tasks, 2) if has.issuperset(pair) and pair not in together
    ]


def _labeled(source: Source) -> dict[str, Bools]:
    """Return for each task ``[N]``: which rows of a source carry its label."""
    rows = {target.task: labeled_rows(source.table, target) for target in source.targets}
    made = {target.task: [part for part, _ in target.parts] for target in source.targets}
    for name, parts in made.items():
        if parts:
            rows[name] = np.any([rows[part] for part in parts], axis=0)
    return rows


def check_together(sources: Sequence[Source], tasks: Sequence[str]) -> None:
    """Refuse gradients by the representation where two tasks are never labeled on the same rows.

    Raises:
        ValueError: names such a pair, and what to take instead.
    """
    pairs = apart(sources, tasks)
    if pairs:
        named = ", ".join(f"{one!r} and {other!r}" for one, other in pairs[:3])
        more = f" and {len(pairs) - 3} more pairs" if len(pairs) > 3 else ""
        raise ValueError(
            f"gradient.source 'representation': no training row is labeled for both {named}{more}. "
            "Their gradients by the Features of different rows have inner products of exactly 0, "
            "whatever the tasks have in common. Take gradient.source=shared."
        )
