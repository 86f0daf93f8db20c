"""A network of several media tested on some of them: the others are hidden from the test rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from onebody.config import nearest
from onebody.data import SampleTable, Source


def media_of(sources: Sequence[Source]) -> tuple[str, ...]:
    """Return the media that sources read, in order."""
    names = (medium.modality for source in sources for medium in source.spec.media)
    return tuple(dict.fromkeys(names))


def all_subsets(media: Sequence[str]) -> list[tuple[str, ...]]:
    """Return every subset but the empty one: single media first, all of them last."""
    return [some for size in range(1, len(media) + 1) for some in combinations(media, size)]


def with_media(sources: Sequence[Source], media: Sequence[str]) -> list[Source]:
    """Hide all media but some from the rows of sources.

    Args:
        sources: of a network of several media.
        media: which are left.

    Returns:
        Sources of the same rows, in the same order. Rows that have none of these media can no
        longer be read, and sources that read none of them are left out.

    Raises:
        ValueError: if no source reads one of them, or no row is left.
    """
    known = media_of(sources)
    for name in media:
        if name not in known:
            raise ValueError(f"The network does not read {name!r}. {nearest(name, known)}")
    if not media:
        raise ValueError(f"No medium is left. Name one or more of {', '.join(known)}.")
    kept = [
        replace(source, table=only_media(source.table, media))
        for source in sources
        if set(media) & set(media_of([source]))
    ]
    if not any(source.readable().any() for source in kept):
        raise ValueError(f"No row has {' or '.join(map(repr, media))}. Name other media.")
    return kept


def only_media(table: SampleTable, media: Sequence[str]) -> SampleTable:
    """Return a table of which all media but some are hidden; rows stay, with or without any."""
    shown = {
        name: column if name in media else np.full_like(column, "")
        for name, column in table.media.items()
    }
    return replace(table, media=shown)
