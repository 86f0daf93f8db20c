"""Numbered pictures of a folder: ``img_%05d.jpg``, or some of them, ``...#1:38``, ``...#1:38:5``.

Published sets store videos as numbered pictures, often several series in one folder (``img_``,
``flow_x_``) and several samples in one series. Unlike a plain folder a series knows which picture
is missing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from onebody.data.media import MediaError, Place

_RANGE = re.compile(r"^(\d+):(\d+)(?::(\d+))?$", re.ASCII)


def numbered_sources(place: Place, listed: Sequence[str]) -> Sequence[str]:
    """Return the pictures of a series in the order of their numbers.

    Args:
        place: a folder with a pattern (``part`` is ``pattern`` or ``pattern#first:stop``, after
            which ``:step`` may stand).
        listed: sources of all pictures in the folder.

    Raises:
        MediaError: if the range is none, or a picture of the range (without one: between the
            first and the last number) is not there.
    """
    pattern, _, wanted = place.part.partition("#")
    head, tail = re.split(r"%0?\d{0,2}d", pattern)
    form = re.compile(f"{re.escape(head)}(\\d+){re.escape(tail)}", re.ASCII)
    there: dict[int, str] = {}
    for source in listed:
        name = os.path.basename(source)
        found = form.fullmatch(name)
        if found and pattern % int(found[1]) == name:
            there[int(found[1])] = source
    if not there:
        raise MediaError(place.source, "pictures of this name in the folder", "none")
    numbers = _span(place, wanted) if wanted else range(min(there), max(there) + 1)
    missing = [number for number in numbers if number not in there]
    if missing:
        expected = f"pictures {numbers[0]} to {numbers[-1]}"
        expected += f" in steps of {numbers.step}" if numbers.step > 1 else ""
        found_names = f"no {pattern % missing[0]!r} ({len(missing)} missing)"
        raise MediaError(place.source, expected, found_names)
    return [there[number] for number in numbers]


def _span(place: Place, wanted: str) -> range:
    """Read a range of numbers."""
    found = _RANGE.match(wanted)
    if found is None or int(found[1]) >= int(found[2]) or (found[3] and not int(found[3])):
        expected = "picture numbers as '#first:stop' or '#first:stop:step'"
        raise MediaError(place.source, expected, f"#{wanted}")
    return range(int(found[1]), int(found[2]), int(found[3] or 1))
