"""Which clips a simulated set holds, and the seeds that everything in them is drawn by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from onebody.simulate.motion import MOVEMENTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be filmed: one entry per clip, the same arrays for every column.

    Attributes:
        kinds: ``[N]`` movement.
        people: ``[N]`` number of the person.
        takes: ``[N]`` which clip of that movement by that person.
        identities, performances: ``[N]`` seeds of bodies and of everything else.
    """

    kinds: tuple[str, ...]
    people: tuple[int, ...]
    takes: tuple[int, ...]
    identities: tuple[int, ...]
    performances: tuple[int, ...]


def make_plan(kinds: Sequence[str], people: Sequence[int], clips: int, seed: int) -> Plan:
    """List all clips: every movement by every person, person after person.

    Args:
        kinds: movements, keys of `MOVEMENTS`.
        people: numbers of the persons.
        clips: of each movement by each person.
        seed: another one makes other people and performances.
    """
    order = list(MOVEMENTS)
    entries = [(kind, person, take) for person in people for take in range(clips) for kind in kinds]
    identities = [seed * 1_000_003 + person for _, person, _ in entries]
    return Plan(
        kinds=tuple(kind for kind, _, _ in entries),
        people=tuple(person for _, person, _ in entries),
        takes=tuple(take for _, _, take in entries),
        identities=tuple(identities),
        performances=tuple(
            (identity * 1_009 + order.index(kind)) * 1_009 + take
            for identity, (kind, _, take) in zip(identities, entries, strict=True)
        ),
    )
