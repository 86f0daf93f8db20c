"""Reads the windows of several media of one performance, prepared as in training.

Media cover the same span, each at its own rate: a window of one is the same part of all.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias, cast

import numpy as np
import torch

from onebody.config import nearest
from onebody.data import InputSpec, SampleTable, make_table
from onebody.data.assemble import make_batch
from onebody.data.clips import clip_indices
from onebody.data.flow import is_flow, pictured
from onebody.data.reading import channels_of, stored_channels
from onebody.data.series import check_series, positions, steady
from onebody.data.sources import probe, read_array, read_frames
from onebody.inference.reader import Group, Medium
from onebody.types import Array, Ints

AnySource: TypeAlias = str | Path | Array
"""Where a medium lies, or the medium itself."""


def given_media(
    source: AnySource | Mapping[str, AnySource], spec: InputSpec
) -> dict[str, AnySource]:
    """Return what is given of a network's media, in the network's order.

    Args:
        source: by medium, or of the first medium alone. Optical flow is of the pictures that are
            given, by their own name.
        spec: what the network reads.

    Raises:
        ValueError: if the network does not read one of them, or there is none.
    """
    names = [medium.modality for medium in spec.media]
    found = dict(source) if isinstance(source, Mapping) else {pictured(names[0]): source}
    for name in names:
        if pictured(name) in found:  # of which the flow is made
            found.setdefault(name, found[pictured(name)])
    of_flow = {pictured(name) for name in names if is_flow(name)}
    found = {name: given for name, given in found.items() if name in names or name not in of_flow}
    for name in found:
        if name not in names:
            raise ValueError(f"The network does not read {name!r}. {nearest(name, names)}")
    if not found:
        raise ValueError(f"No medium is given. Give one or more of {', '.join(names)}.")
    return {name: found[name] for name in names if name in found}


def only_given(spec: InputSpec, names: Sequence[str]) -> InputSpec:
    """Return how some media of a network are prepared; the first one leads."""
    kept = [medium for medium in spec.media if medium.modality in names]
    return kept[0].model_copy(update={"also": tuple(kept[1:])})


def read_several(
    lead: Medium,
    sources: Mapping[str, str],
    windows: Ints,
    spec: InputSpec,
    *,
    batch_size: int = 8,
    clips: int = 1,
) -> Iterator[Group]:
    """Read windows in order, a group at a time.

    Args:
        lead: the first medium that is given; it sets frames and times.
        sources: by medium, the source of each that is given, the lead first.
        windows: ``[W, 2]`` of `plan_windows`, in frames of the lead from the first looked at.
        spec: what the network reads; media that are not given are left out of the batches.
        batch_size: most windows of a group.
        clips: how many clips, each of other frames, are taken of every window.

    Raises:
        ValueError: if a medium cannot be read, or is none that the network reads.
    """
    own = only_given(spec, tuple(sources))
    parts = {
        medium.modality: _parts(lead, sources[medium.modality], windows) for medium in own.media
    }
    with tempfile.TemporaryDirectory(prefix="onebody-", ignore_cleanup_errors=True) as folder:
        reader = _Reader(lead, sources, parts, own, Path(folder))
        for start in range(0, len(windows), batch_size):
            part = np.arange(start, min(start + batch_size, len(windows)))
            for clip in range(clips):
                yield reader.group(part, clip, clips)


def _parts(lead: Medium, source: str, windows: Ints) -> Ints:
    """Return ``[W, 2]``: the frames of a medium that show the same part of the span."""
    if source == lead.source:
        return windows + lead.first
    count = probe(source).num_frames
    scaled = (windows + lead.first) * (count / lead.info.num_frames)
    start = np.minimum(np.rint(scaled[:, 0]).astype(np.int64), count - 1)
    stop = np.clip(np.rint(scaled[:, 1]).astype(np.int64), start + 1, count)
    return np.stack([start, stop], axis=1)


class _Reader:
    """Makes batches of windows of several media."""

    def __init__(
        self,
        lead: Medium,
        sources: Mapping[str, str],
        parts: Mapping[str, Ints],
        spec: InputSpec,
        folder: Path,
    ) -> None:
        self.lead, self.sources, self.parts, self.folder = lead, sources, parts, folder
        self.spec = spec
        self.stored = {}
        for number, medium in enumerate(spec.media):
            if channels_of(medium.modality) is None:
                values = np.asarray(read_array(sources[medium.modality]))
                check_series(values, sources[medium.modality])
                self.stored[medium.modality] = str(folder / f"numbers{number}.npy")
                np.save(self.stored[medium.modality], values)

    def group(self, part: Ints, clip: int, clips: int) -> Group:
        """Read one clip of each window of a group."""
        media: dict[str, list[str]] = {}
        for number, medium in enumerate(self.spec.media):
            spans = self.parts[medium.modality][part]
            if medium.modality in self.stored:
                path = self.stored[medium.modality]
                media[medium.modality] = [f"{path}#{start}:{stop}" for start, stop in spans]
            else:
                path = str(self.folder / f"pictures{number}.npy")
                media[medium.modality] = self._pictures(medium, spans, path, clip, clips)
        batch = make_batch(
            self._table(media),
            np.arange(len(part)),
            _as_chosen(self.spec),
            (),
            augment=None,
            clip=clip,
            clips=clips,
        )
        frames = self._frames(part, clip, clips)
        times = torch.from_numpy(self.lead.times_s[frames])
        return Group(
            windows=part,
            frames=frames,
            batch=replace(batch, context=replace(batch.context, times_s=times)),
        )

    def _pictures(
        self, medium: InputSpec, spans: Ints, path: str, clip: int, clips: int
    ) -> list[str]:
        """Read a clip of each span into an array file; return where each lies."""
        chosen = np.stack(
            [
                start + clip_indices(stop - start, medium, rng=None, clip=clip, clips=clips)
                for start, stop in spans.tolist()
            ]
        )
        needed = np.unique(chosen)
        channels = cast(int, stored_channels(medium.modality))
        content = read_frames(self.sources[medium.modality], needed, channels=channels)
        np.save(path, content[np.searchsorted(needed, chosen.ravel())])
        length = medium.frames
        return [f"{path}#{i * length}:{(i + 1) * length}" for i in range(len(spans))]

    def _frames(self, part: Ints, clip: int, clips: int) -> Ints:
        """Return ``[B, T]``: which frames of the lead a clip shows, from the first looked at."""
        spans = self.parts[self.spec.modality][part] - self.lead.first
        counts = spans[:, 1] - spans[:, 0]
        if channels_of(self.spec.modality) is None:
            within = np.rint(
                positions(counts, self.spec, steady(len(part), self.spec, clip, clips))
            ).astype(np.int64)
        else:
            within = np.stack(
                [
                    clip_indices(count, self.spec, rng=None, clip=clip, clips=clips)
                    for count in counts.tolist()
                ]
            )
        return np.asarray(spans[:, :1] + within)

    def _table(self, media: Mapping[str, list[str]]) -> SampleTable:
        """Make a table of which each row is a window."""
        count, lead = len(next(iter(media.values()))), self.lead
        return make_table(
            lead.source,
            media,
            layouts={m.modality: m.skeleton for m in self.spec.media if m.reads_skeletons},
            fps=np.full(count, lead.fps),
            camera_matrix=np.tile(np.array(lead.camera), (count, 1)),
            depth_ref_mm=np.full(count, lead.depth_ref_mm),
            row_names=[lead.source] * count,
        )


def _as_chosen(spec: InputSpec) -> InputSpec:
    """Return how media are prepared whose pictures are chosen already: one after another."""

    def own(medium: InputSpec) -> InputSpec:
        pictures = channels_of(medium.modality) is not None
        return medium.model_copy(update={"sampling": "dense", "stride": 1} if pictures else {})

    return own(spec).model_copy(update={"also": tuple(own(medium) for medium in spec.also)})
