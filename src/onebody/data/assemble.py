"""From rows of a table to a `Batch`.

The draws of a row depend on (seed, pass, row) alone, so the row looks the same in whatever batch,
process or worker it is made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from onebody.data.assemble_pictures import pictures_input
from onebody.data.assemble_reading import Look, Parts, looks_of, read_rows
from onebody.data.assemble_series import series_input
from onebody.data.augment import AugmentConfig, Draws, draw, row_generators
from onebody.data.augment_joints import JointDraws, draw_joints
from onebody.data.augment_sensors import draw_sensors
from onebody.data.batch import Batch, Context, Target
from onebody.data.checks import check_request
from onebody.data.flow import drawn_alike, with_flow
from onebody.data.geometry import crop_to_source
from onebody.data.person_box import box_target
from onebody.data.reading import Clip, looked_at
from onebody.data.several import draw_same_time
from onebody.data.soft import mirrored_soft, mixed_target, soft_labels
from onebody.data.spec import InputSpec, TargetSpec
from onebody.data.table import JointsColumn, Numbers, SampleTable
from onebody.data.targets import (
    class_labels,
    class_target,
    is_served,
    joints_target,
    made_labels,
    mirrored,
)
from onebody.data.views import View
from onebody.types import Bools, Ints


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
        The rows in the order asked for. Of a medium that a row lacks nothing is `valid`.

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
    table = with_flow(table, spec)
    check_request(table, spec, targets, augment)
    if view is not None and augment is None:
        augment, as_test = AugmentConfig(), True
    wanted = np.asarray(rows, np.int64)
    passes = np.full(len(wanted), key[1], np.int64) if passes is None else passes
    generators = [
        row_generators(key[0], passes, wanted, number) for number in range(len(spec.media))
    ]
    draws = None if augment is None else draw(augment, generators[0])
    if draws is not None and view is not None:
        draws = view.applied(draws)
    parts = Parts(
        table=table,
        rows=wanted,
        draws=draws,
        same=None
        if augment is None or not spec.also
        else draw_same_time(augment, key[0], passes, wanted),
        augment=augment,
        clip=(clip, clips),
        as_test=as_test,
        flipped=view is not None and view.flip,
    )
    looks = looks_of(table, spec, targets, drawn_alike(spec, generators))
    kept, failures = read_rows(parts, looks, skip=skip)
    if not kept:
        return None, failures
    parts = parts.select(kept)
    return _join(parts, [look.select(kept) for look in looks], spec, targets), failures


def _join(
    parts: Parts, looks: Sequence[Look], spec: InputSpec, targets: Sequence[TargetSpec]
) -> Batch:
    """Make the batch of rows that were read."""
    table, rows, draws = parts.table, parts.rows, parts.draws
    served = [t for t in targets if t.form == "class" and is_served(table, t)]
    labels = {target.task: class_labels(table, rows, target) for target in served}
    soft = soft_labels(table, rows, targets, labels)
    flip = np.zeros(len(rows), np.bool_)
    if draws is not None:
        flip, _ = mirrored_soft(soft, targets, draws.flip)
        flip, labels = mirrored(labels, targets, flip)
        _, soft = mirrored_soft(soft, targets, flip)
    flip = flip ^ parts.flipped
    affines = [_affine(parts, look, flip) for look in looks]
    made = [
        (_pictures if look.pictures else _numbers)(parts, look, affine, flip)
        for look, affine in zip(looks, affines, strict=True)
    ]
    context = Context(
        row=torch.from_numpy(rows),
        times_s=torch.from_numpy(made[0][2]),
        crop_to_source=torch.from_numpy(affines[0]).float(),
        camera=torch.from_numpy(table.camera_matrix[rows]).float(),
        depth_ref_mm=torch.from_numpy(parts.depth_ref_mm()).float(),
        head_px=torch.from_numpy(table.head_px[rows]).float(),
    )
    taught = {
        task: mixed_target(values, soft[task]) if task in soft else class_target(values)
        for task, values in labels.items()
    }
    taught |= _other_targets(parts, looks[0].clips, spec, targets, labels, affines[0], flip)
    names = [look.spec.modality for look in looks]
    return Batch(
        inputs={name: values for name, (values, _, _) in zip(names, made, strict=True)},
        valid={
            name: valid
            for name, (_, valid, _) in zip(names, made, strict=True)
            if not bool(valid.all())
        },
        targets=taught,
        context=context,
    )


def _affine(parts: Parts, look: Look, flip: Bools) -> Numbers:
    """Return ``[B, 2, 3]`` from crop fractions to source pixels of one medium."""
    sizes = np.full((len(parts.rows), 2), np.nan)
    for b, clip in enumerate(look.clips):
        if clip is not None:
            sizes[b] = clip.height, clip.width
    boxes = looked_at(look.table, parts.rows, look.spec)
    return crop_to_source(sizes, look.spec.crop, parts.draws, flip, boxes)


def _other_targets(
    parts: Parts,
    clips: Sequence[Clip | None],
    spec: InputSpec,
    targets: Sequence[TargetSpec],
    labels: Mapping[str, Ints],
    affine: Numbers,
    flip: Bools,
) -> dict[str, Target]:
    """Make the joints targets and those made of class targets."""
    table, rows = parts.table, parts.rows
    # a person's joints are measured wherever they are: a crop that misses them is a mistake
    measured = parts.augment is None or parts.as_test
    everywhere = np.asarray(np.isfinite(looked_at(table, rows, spec)).all(axis=1) & measured)
    made: dict[str, Target] = {}
    for target in targets:
        column = table.columns.get(target.column)
        if any(task in labels for task in target.made_of):
            names = [str(name) for name in table.row_names[rows]]
            made[target.task] = class_target(made_labels(target, labels, names))
        elif target.form == "box":
            made[target.task] = box_target(target, table, rows, clips, spec.frames, affine)
        elif target.form == "joints" and isinstance(column, JointsColumn):
            made[target.task] = joints_target(
                target,
                [clip.joints.get(target.task) if clip else None for clip in clips],
                unit=column.unit,
                num_frames=spec.frames,
                affine=affine,
                flip=flip,
                hidden=None if parts.draws is None else parts.draws.erase,
                everywhere=everywhere,
                camera=table.camera_matrix[rows],
                depth_ref_mm=parts.depth_ref_mm(),
            )
    return made


def _pictures(
    parts: Parts, look: Look, affine: Numbers, _: Bools
) -> tuple[Tensor, Tensor, Numbers]:
    """Make pictures ``[B, C, T, S, S]``, which rows there are ``[B]``, and times ``[B, T]``."""
    return pictures_input(look.clips, look.spec, affine, parts.draws, look.generators)


def _numbers(parts: Parts, look: Look, _: Numbers, flip: Bools) -> tuple[Tensor, Tensor, Numbers]:
    """Make numbers ``[B, T, J, C]``, which there are (see `SeriesInput`), times ``[B, T]``."""
    drawn: tuple[Draws, JointDraws] | None = None
    worn, spec = None, look.spec
    if parts.augment is not None and parts.draws is not None:
        layout = spec.skeleton if spec.reads_skeletons else ""
        own = draw_joints(parts.augment, parts.draws, look.generators, layout)
        drawn = parts.draws, own if parts.same is None else parts.same.applied(own)
        if spec.reads_sensors:
            worn = draw_sensors(parts.augment, look.generators)
    clip, clips = parts.clip
    made = series_input(
        look.table,
        parts.rows,
        look.series,
        spec,
        drawn=drawn,
        flip=flip,
        clip=clip,
        clips=clips,
        as_test=parts.as_test,
        worn=worn,
    )
    return torch.from_numpy(made.values), torch.from_numpy(made.valid), made.times_s
