"""From rows of a table to a `Batch`.

The draws of a row depend on (seed, pass, row) alone, so the row looks the same in whatever batch,
process or worker it is made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from onebody.data.assemble_series import series_input
from onebody.data.augment import AugmentConfig, Draws, draw, row_generators
from onebody.data.augment_joints import JointDraws, draw_joints
from onebody.data.augment_sensors import draw_sensors
from onebody.data.batch import Batch, Context, Target
from onebody.data.checks import check_request
from onebody.data.geometry import crop_to_source, enlarged, is_identity, warp
from onebody.data.pixels import add_noise, color_tables, erase, saturate, to_float
from onebody.data.reading import Clip, RowError, Wish, channels_of, read_clip
from onebody.data.series import Series, read_series
from onebody.data.soft import mirrored_soft, mixed_target, soft_labels
from onebody.data.spec import InputSpec, TargetSpec
from onebody.data.table import JointsColumn, SampleTable
from onebody.data.targets import (
    class_labels,
    class_target,
    is_served,
    joints_target,
    made_labels,
    mirrored,
)
from onebody.data.views import View
from onebody.types import Bools, Frames, Ints

Numbers = npt.NDArray[np.float64]


def make_batch(
    table: SampleTable,
    rows: Sequence[int] | Ints,
    spec: InputSpec,
    targets: Sequence[TargetSpec],
    *,
    augment: AugmentConfig | None,
    key: tuple[int, int] = (0, 0),
    passes: Ints | None = None,
    clip: int = 0,
    clips: int = 1,
) -> Batch:
    """Read, sample, augment and label some rows.

    Args:
        table: the table.
        rows: ``[B]`` row numbers.
        spec: what the network reads.
        targets: what it is taught; a target whose column the table lacks has no entry.
        augment: what training varies; None: the test's deterministic sampling, nothing varied.
        key: seed and epoch of the draws.
        passes: ``[B]`` in place of the epoch, where rows come round at different rates.
        clip: which of ``clips`` test clips.
        clips: how many test clips are taken of each row.

    Returns:
        The rows in the order asked for. Rows without the modality are not `valid`.

    Raises:
        ValueError: if the table cannot serve the request.
        RowError: if a row cannot be read; names row and file.
    """
    batch, _ = assemble(
        table, rows, spec, targets, augment=augment, key=key, passes=passes, clip=clip, clips=clips
    )
    assert batch is not None  # rows are dropped only where that was asked for
    return batch


def assemble(
    table: SampleTable,
    rows: Sequence[int] | Ints,
    spec: InputSpec,
    targets: Sequence[TargetSpec],
    *,
    augment: AugmentConfig | None,
    key: tuple[int, int] = (0, 0),
    passes: Ints | None = None,
    clip: int = 0,
    clips: int = 1,
    skip: bool = False,
    as_test: bool = False,
    view: View | None = None,
) -> tuple[Batch | None, list[str]]:
    """Do as `make_batch`; with ``skip`` drop rows that cannot be read.

    With ``as_test`` frames are chosen as in a test, whatever ``augment`` varies besides. A ``view``
    is one of several looks of a test at the same frames; None: the plain one.

    Returns:
        The batch (None if no row is left), and the dropped rows with the reasons.
    """
    check_request(table, spec, targets, augment)
    if view is not None and augment is None:
        augment, as_test = AugmentConfig(), True
    wanted = np.asarray(rows, np.int64)
    passes = np.full(len(wanted), key[1], np.int64) if passes is None else passes
    generators = row_generators(key[0], passes, wanted)
    draws = None if augment is None else draw(augment, generators)
    if draws is not None and view is not None:
        draws = view.applied(draws)
    pictures = channels_of(spec.modality) is not None
    clips_read: list[Clip | None] = []
    series: list[Series | None] = []
    kept: list[int] = []
    failures: list[str] = []
    for b, row in enumerate(wanted.tolist()):
        try:
            there = table.media[spec.modality][row] != ""
            if pictures:
                wish = Wish(clip=clip, clips=clips)
                if draws is not None:
                    wish = _wish(
                        draws, b, wish if as_test else replace(wish, generator=generators[b])
                    )
                clips_read.append(read_clip(table, row, spec, targets, wish) if there else None)
            else:
                series.append(read_series(table, row, spec.modality) if there else None)
            kept.append(b)
        except RowError as error:
            if not skip:
                raise
            failures.append(str(error))
    if not kept:
        return None, failures
    parts = _Parts(
        table=table,
        rows=wanted[kept],
        clips=clips_read,
        series=series,
        draws=None if draws is None else _select(draws, kept),
        generators=[generators[b] for b in kept],
        augment=augment,
        clip=(clip, clips),
        as_test=as_test,
        flipped=view is not None and view.flip,
    )
    return _join(parts, spec, targets), failures


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """What a batch is made of: B rows that could be read.

    Attributes:
        clips: pictures; None: a row has no such medium. Empty where numbers are read.
        series: numbers, likewise.
        clip: which test clip of how many.
        as_test: whether frames are chosen as in a test.
        flipped: whether a test looks at mirrored clips; class labels stay.
    """

    table: SampleTable
    rows: Ints
    clips: list[Clip | None]
    series: list[Series | None]
    draws: Draws | None
    generators: list[np.random.Generator]
    augment: AugmentConfig | None
    clip: tuple[int, int]
    as_test: bool
    flipped: bool = False


def _wish(draws: Draws, b: int, wish: Wish) -> Wish:
    """Take what concerns reading out of a row's draw."""
    return replace(
        wish,
        speed=float(draws.speed[b]),
        duration=float(draws.duration[b]),
        begin=float(draws.begin[b]),
        side=float(draws.side[b]),
        shift=(float(draws.shift[b, 0]), float(draws.shift[b, 1])),
        depth_shift_mm=float(draws.depth_shift_mm[b]),
    )


def _select(draws: Draws, entries: Sequence[int]) -> Draws:
    """Return the draws of some rows."""
    return replace(draws, **{f.name: getattr(draws, f.name)[list(entries)] for f in fields(draws)})


def _join(parts: _Parts, spec: InputSpec, targets: Sequence[TargetSpec]) -> Batch:
    """Make the batch of rows that were read."""
    table, rows, draws = parts.table, parts.rows, parts.draws
    labels = {
        target.task: class_labels(table, rows, target)
        for target in targets
        if target.form == "class" and is_served(table, target)
    }
    soft = soft_labels(table, rows, targets, labels)
    flip = np.zeros(len(rows), np.bool_)
    if draws is not None:
        flip, _ = mirrored_soft(soft, targets, draws.flip)
        flip, labels = mirrored(labels, targets, flip)
        _, soft = mirrored_soft(soft, targets, flip)
    flip = flip ^ parts.flipped
    sizes = np.full((len(rows), 2), np.nan)
    for b, clip in enumerate(parts.clips):
        if clip is not None:
            sizes[b] = clip.height, clip.width
    boxes = enlarged(table.box[rows], spec.box_scale)
    affine = crop_to_source(sizes, spec.crop, draws, flip, boxes)
    inputs, valid, times = (_pictures if parts.clips else _numbers)(parts, spec, affine, flip)
    depth_ref = table.depth_ref_mm[rows]
    if draws is not None:
        depth_ref = depth_ref - draws.depth_shift_mm
    context = Context(
        row=torch.from_numpy(rows),
        times_s=torch.from_numpy(times),
        crop_to_source=torch.from_numpy(affine).float(),
        camera=torch.from_numpy(table.camera_matrix[rows]).float(),
        depth_ref_mm=torch.from_numpy(depth_ref).float(),
        head_px=torch.from_numpy(table.head_px[rows]).float(),
    )
    made = {
        task: mixed_target(values, soft[task]) if task in soft else class_target(values)
        for task, values in labels.items()
    }
    made |= _other_targets(parts, spec, targets, labels, affine, flip, depth_ref)
    return Batch(
        inputs={spec.modality: inputs},
        valid={} if bool(valid.all()) else {spec.modality: valid},
        targets=made,
        context=context,
    )


def _other_targets(
    parts: _Parts,
    spec: InputSpec,
    targets: Sequence[TargetSpec],
    labels: Mapping[str, Ints],
    affine: Numbers,
    flip: Bools,
    depth_ref: Numbers,
) -> dict[str, Target]:
    """Make the joints targets and those made of class targets."""
    table, rows = parts.table, parts.rows
    # a person's joints are measured wherever they are: a crop that misses them is a mistake
    measured = parts.augment is None or parts.as_test
    everywhere = np.asarray(np.isfinite(table.box[rows]).all(axis=1) & measured)
    made: dict[str, Target] = {}
    for target in targets:
        column = table.columns.get(target.column)
        if any(task in labels for task in target.made_of):
            names = [str(name) for name in table.row_names[rows]]
            made[target.task] = class_target(made_labels(target, labels, names))
        elif target.form == "joints" and isinstance(column, JointsColumn):
            made[target.task] = joints_target(
                target,
                [clip.joints.get(target.task) if clip else None for clip in parts.clips],
                unit=column.unit,
                num_frames=spec.frames,
                affine=affine,
                flip=flip,
                hidden=None if parts.draws is None else parts.draws.erase,
                everywhere=everywhere,
                camera=table.camera_matrix[rows],
                depth_ref_mm=depth_ref,
            )
    return made


def _pictures(
    parts: _Parts, spec: InputSpec, affine: Numbers, _: Bools
) -> tuple[Tensor, Tensor, Numbers]:
    """Make pictures ``[B, C, T, S, S]``, which rows there are ``[B]``, and times ``[B, T]``."""
    there = np.array([clip is not None for clip in parts.clips])
    unknown = np.full(spec.frames, np.nan)
    times = np.stack([clip.times_s if clip else unknown for clip in parts.clips])
    return _draw_pictures(parts, spec, affine), torch.from_numpy(there), times


def _draw_pictures(parts: _Parts, spec: InputSpec, affine: Numbers) -> Tensor:
    """Make ``[B, C, T, S, S]``; rows whose pictures have the same size are resampled together."""
    channels = cast(int, channels_of(spec.modality))
    out: Tensor | None = None
    groups: dict[tuple[int, int, bool], list[int]] = {}
    for b, clip in enumerate(parts.clips):
        if clip is not None:
            height, width = clip.content.shape[1:3]
            plain = is_identity(_to_content(affine[b], clip), height, width, spec.size)
            groups.setdefault((height, width, plain), []).append(b)
    for (_, _, plain), entries in groups.items():
        clips = [cast(Clip, parts.clips[b]) for b in entries]
        frames = [cast(Frames, clip.content) for clip in clips]
        draws = None if parts.draws is None else _select(parts.draws, entries)
        maps = None if plain else _maps(affine[entries], clips)
        made = _resample(frames, maps, draws, spec.size)
        if len(entries) == len(parts.rows):
            out = made
            break
        if out is None:
            out = torch.zeros(len(parts.rows), *made.shape[1:])
        out[entries] = made
    if out is None:  # no row has the medium
        return torch.zeros(len(parts.rows), channels, spec.frames, spec.size, spec.size)
    if parts.draws is not None:
        erase(out, parts.draws.erase)
        there = np.array([clip is not None for clip in parts.clips])
        add_noise(out, parts.draws.noise * there, parts.generators)
    return out


def _maps(affine: Numbers, clips: Sequence[Clip]) -> Numbers:
    """Return maps ``[B, 2, 3]`` to the pixels that were read of each clip."""
    return np.stack([_to_content(own, clip) for own, clip in zip(affine, clips, strict=True)])


def _to_content(affine: Numbers, clip: Clip) -> Numbers:
    """Turn a map ``[2, 3]`` to source pixels into one to the pixels that were read."""
    moved = affine.copy()
    moved[:, 2] -= clip.corner
    return moved / clip.factor


def _resample(
    frames: Sequence[Frames], maps: Numbers | None, draws: Draws | None, size: int
) -> Tensor:
    """Color and resample clips of one picture size; maps None: they fit as they are."""
    tables = None
    if draws is not None:
        constant = (draws.contrast == 1).all()
        means = [0.0 if constant else float(clip.mean()) / 255 for clip in frames]
        tables = color_tables(np.array(means), draws, frames[0].shape[-1])
    pictures = torch.from_numpy(to_float(frames, tables))
    if draws is not None:
        saturate(pictures, draws.saturation)
    if maps is None:
        return pictures
    count, channels, num_frames = pictures.shape[:3]
    flat = warp(pictures.flatten(1, 2), maps, size)
    return flat.view(count, channels, num_frames, size, size)


def _numbers(
    parts: _Parts, spec: InputSpec, _: Numbers, flip: Bools
) -> tuple[Tensor, Tensor, Numbers]:
    """Make numbers ``[B, T, J, C]``, which there are (see `SeriesInput`), times ``[B, T]``."""
    drawn: tuple[Draws, JointDraws] | None = None
    worn = None
    if parts.augment is not None and parts.draws is not None:
        layout = spec.skeleton if spec.reads_skeletons else ""
        own = draw_joints(parts.augment, parts.draws, parts.generators, layout)
        drawn = parts.draws, own
        if spec.reads_sensors:
            worn = draw_sensors(parts.augment, parts.generators)
    clip, clips = parts.clip
    made = series_input(
        parts.table,
        parts.rows,
        parts.series,
        spec,
        drawn=drawn,
        flip=flip,
        clip=clip,
        clips=clips,
        as_test=parts.as_test,
        worn=worn,
    )
    return torch.from_numpy(made.values), torch.from_numpy(made.valid), made.times_s
