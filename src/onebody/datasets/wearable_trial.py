"""`Trial`: one recording of a person who wears sensors, in SI units, at the sensors' own times.

Every reader of a set of wearables yields trials; what becomes of them (one rate, gaps, windows) is
the same for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from onebody.data.table import Numbers
from onebody.types import Floats

GRAVITY = 9.80665
"""Standard gravity in m/s^2: what a unit of "g" in a file means."""

DEGREE = np.pi / 180

Quantity = Literal["acceleration", "turn_rate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """What one sensor measured of one quantity.

    Attributes:
        position: where on the body it sat.
        quantity: ``acceleration`` (m/s^2, with gravity) or ``turn_rate`` (rad/s).
        times_s: ``[n]`` strictly ascending, on the trial's clock.
        values: ``[n, 3]``, finite.
    """

    position: str
    quantity: Quantity
    times_s: Numbers
    values: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One recording.

    Attributes:
        name: no other trial of the set is called so.
        subject: who wore the sensors.
        labels: class by column (``activity``, ``gender``); what is not known is left out.
        streams: in no order; at most one of each position and quantity.
        split: part that the set's authors put it in; empty: none.
    """

    name: str
    subject: str
    labels: Mapping[str, str]
    streams: tuple[Stream, ...]
    split: str = ""


@dataclass(slots=True)
class Faults:
    """Samples that could not be used, for a message.

    Attributes:
        broken: samples that are not finite.
        backward: samples whose time lies before that of an earlier one.
        places: streams that they are of.
        contradicted: files that say two things of one recording.
    """

    broken: int = 0
    backward: int = 0
    places: list[str] = field(default_factory=list)
    contradicted: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        first = f" (first: {self.places[0]})" if self.places else ""
        return f"{self.broken} not finite, {self.backward} that go back in time{first}"


def make_stream(
    position: str,
    quantity: Quantity,
    times_s: Numbers,
    values: Floats | Numbers,
    faults: Faults,
    place: str,
) -> Stream | None:
    """Make a stream of samples as a file has them.

    Samples that are not finite or go back in time are dropped and counted. Telephones hand over
    samples in bursts that bear one time: those are spread over the time since the sample before.

    Args:
        position: where the sensor sat.
        quantity: what it measured.
        times_s: ``[n]``.
        values: ``[n, 3]`` in SI units.
        faults: counts what is dropped.
        place: where the samples stand, for messages.

    Returns:
        None where no sample is left.
    """
    times, found = np.asarray(times_s, np.float64), np.asarray(values, np.float32)
    whole = np.isfinite(times) & np.isfinite(found).all(axis=1)
    times, found, broken = times[whole], found[whole], int((~whole).sum())
    forward = times >= np.maximum.accumulate(times) if len(times) else np.ones(0, np.bool_)
    backward = int((~forward).sum())
    if broken or backward:
        faults.broken += broken
        faults.backward += backward
        faults.places.append(place)
    times, found = times[forward], found[forward]
    if not len(times):
        return None
    return Stream(position=position, quantity=quantity, times_s=spread_ties(times), values=found)


def spread_ties(times_s: Numbers) -> Numbers:
    """Give samples of equal time times of their own: they were taken up to then.

    Args:
        times_s: ``[n]`` ascending, equal ones next to each other.

    Returns:
        ``[n]`` strictly ascending. Samples of one burst lie evenly between the time before and
        their own, but no further apart than samples usually are.
    """
    steps = np.diff(times_s)
    if (steps > 0).all():
        return times_s
    distinct, first, count = np.unique(times_s, return_index=True, return_counts=True)
    usual = float(np.ptp(times_s)) / max(len(times_s) - 1, 1) or 1e-3
    room = np.diff(distinct, prepend=-np.inf)  # nothing lies before the first time
    step = np.minimum(room / count, usual)
    place = np.arange(len(times_s)) - np.repeat(first, count)
    before = np.repeat(count, count) - 1 - place  # samples of the burst that come after
    return np.asarray(np.repeat(distinct, count) - before * np.repeat(step, count))
