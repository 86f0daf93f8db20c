from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from make_samples import GESTURES, SPEC, gesture_spec, pose_spec, sample_table

from onebody.data import ClassColumn, InputSpec, Loader, Source, SpliceConfig, make_table
from onebody.data.flow import with_flow
from onebody.data.splice import Splicing, check_splice, draw_cuts

FRAMES = 6
DENSE = SPEC.model_copy(update={"frames": FRAMES, "sampling": "dense"})


def spliced_source(folder, rows=6, **given):
    table = sample_table(folder, rows=rows, frames=FRAMES)
    table = replace(table, subject=np.array(["ann", "bob"] * (rows // 2)))
    config = SpliceConfig(**{"share": 1.0, "least": 2, "blind": 1, **given})
    targets = (pose_spec(), gesture_spec(per_frame=True))
    return Source(table=table, spec=DENSE, targets=targets, batch_size=3, splice=config)


def steps_of(source, epochs=2, **given):
    loader = Loader([source], seed=0, **given)
    return [batch for epoch in range(epochs) for (batch,) in loader.epoch(epoch)]


def plain_steps(source, rows):
    """Return the unspliced clip of every row of the table."""
    batches = steps_of(replace(source, splice=None), epochs=1)
    found = {int(r): (b, i) for b in batches for i, r in enumerate(b.context.row)}
    return {row: found[row] for row in range(rows)}


def test_a_spliced_clip_is_the_end_of_one_and_the_beginning_of_another(tmp_path):
    source = spliced_source(tmp_path)
    plain = plain_steps(source, 6)
    labels = source.table.columns["gesture"].values
    people = source.table.subject
    seen = set()
    for batch in steps_of(source):
        for b, row in enumerate(batch.context.row.tolist()):
            shown = batch.inputs["depth"][b]
            own_batch, own = plain[row]
            matches = []
            for other, (then_batch, then) in plain.items():
                for cut in range(2, FRAMES - 1):
                    first = own_batch.inputs["depth"][own][:, FRAMES - cut :]
                    second = then_batch.inputs["depth"][then][:, : FRAMES - cut]
                    if other != row and torch.equal(shown, torch.cat((first, second), 1)):
                        matches.append((other, cut))
            assert len(matches) == 1
            ((other, cut),) = matches
            assert people[other] == people[row]
            target = batch.targets["gesture"]
            wanted = [labels[row]] * cut + [labels[other]] * (FRAMES - cut)
            assert target.value[b].tolist() == wanted
            assert target.mask[b].tolist() == [place != cut for place in range(FRAMES)]
            joints = batch.targets["pose"].value[b]
            then_batch, then = plain[other]
            assert torch.equal(joints[:cut], own_batch.targets["pose"].value[own][FRAMES - cut :])
            rest = then_batch.targets["pose"].value[then][: FRAMES - cut]
            assert torch.equal(joints[cut:], rest)
            seen.add(cut)
    assert len(seen) > 1


def test_draws_hang_on_the_row_alone(tmp_path):
    source = spliced_source(tmp_path, share=0.5)
    pool = np.arange(6)

    def cuts(rows):
        passes = np.full(len(rows), 3)
        way = Splicing(config=source.splice, targets=source.targets, seed=1, passes=passes)
        found = draw_cuts(way, source.table, pool, np.array(rows), frames=FRAMES)
        columns = (found.entries, found.rows, found.frames)
        return {rows[e]: (r, f) for e, r, f in zip(*map(np.ndarray.tolist, columns), strict=True)}

    together = cuts([0, 1, 2, 3, 4, 5])
    assert 0 < len(together) < 6
    assert {k: v for row in range(6) for k, v in cuts([row]).items()} == together


IDLE = 2
"""The class of `gesture_spec` that stands for nothing here."""


def paused_source(folder, kind, *, share=1.0, nothing=IDLE, frames=12, media=5):
    """Clips of five frames, in which something grows from row to row and frame to frame."""
    rows = 4
    values = 10.0 * np.arange(rows)[:, None] + np.arange(media)[None]  # [N, T]
    places, layouts = [], {}
    for row in range(rows):
        noise = 0.01 * np.random.default_rng(row).normal(size=(media, 20, 3))
        joints = noise
        joints[:, 0] += values[row][:, None]  # few move: what most joints do is the noise
        joints[:, 7] = np.nan  # a joint that nobody knows
        worn = np.random.default_rng(row).normal(0, 0.01, (media, 4, 6))
        worn[:, 0, 0] += values[row]
        pictures = np.full((media, 32, 32), 40 + values[row][:, None, None], np.uint8)
        shown = {"depth": pictures, "skeleton": joints, "imu": worn}[kind]
        np.save(folder / f"{row}.npy", shown if kind == "depth" else shown.astype(np.float32))
        places.append(str(folder / f"{row}.npy"))
    spec = InputSpec(modality="depth", size=32, frames=frames, sampling="dense")
    if kind == "imu":
        spec = InputSpec(modality=kind, sensors=4, frames=frames, sampling="dense")
    elif kind == "skeleton":
        layouts = {"skeleton": "kinect-20"}
        extra = {"skeleton": "kinect-20", "center": "none", "scale": "none"}
        spec = InputSpec(modality=kind, frames=frames, sampling="dense", **extra)
    table = make_table(
        "pauses",
        {kind: places},
        columns={"gesture": ClassColumn(values=np.arange(rows) % 2, space=GESTURES)},
        fps=[10.0] * rows,
        subject=["ann"] * rows,
        layouts=layouts,
    )
    splice = SpliceConfig(share=share, least=2, blind=0, pause=(2, 4))
    targets = (gesture_spec(per_frame=True, nothing=nothing),)
    return Source(table=table, spec=spec, targets=targets, batch_size=4, splice=splice)


def read_back(batch, b):
    """Return which row and frame is shown in each frame of a clip, from its values."""
    if "skeleton" in batch.inputs:
        shown = batch.inputs["skeleton"][b, :, 0].mean(1)
    elif "imu" in batch.inputs:
        shown = batch.inputs["imu"][b, :, 0, 0]
    else:
        shown = batch.inputs["depth"][b].mean((0, 2, 3)) * 255 - 40
    rows = (shown / 10 + 0.05).floor()
    return rows.long().tolist(), (shown - 10 * rows).round().long().tolist()


@pytest.mark.parametrize("kind", ["depth", "skeleton", "imu"])
def test_pauses_hold_the_frames_around_them_and_nothing_happens_there(tmp_path, kind):
    source = paused_source(tmp_path, kind)
    pauses = set()
    for batch in steps_of(source, epochs=4):
        for b, row in enumerate(batch.context.row.tolist()):
            rows, frames = read_back(batch, b)
            change = next(i for i, r in enumerate(rows) if r != row)
            assert rows == [row] * change + [rows[-1]] * (12 - change)
            target = batch.targets["gesture"]
            still = [value == IDLE for value in target.value[b].tolist()]
            assert target.mask[b].all()
            labels = [IDLE if s else r % 2 for r, s in zip(rows, still, strict=True)]
            assert target.value[b].tolist() == labels
            parts = []
            for begin, end in ((0, change), (change, 12)):
                moving = [place for place in range(begin, end) if not still[place]]
                assert moving == list(range(moving[0], moving[-1] + 1))
                shown = [frames[place] for place in moving]
                assert shown == list(range(shown[0], shown[-1] + 1))
                assert all(f == shown[0] for f in frames[begin : moving[0]])
                assert all(f == shown[-1] for f in frames[moving[-1] : end])
                parts.append((moving, shown))
            (own, own_shown), (then, then_shown) = parts
            assert own_shown[-1] == 4, "the last frames of its own"
            assert then_shown[0] == 0, "the first ones of the other"
            pauses.add(then[0] - own[-1] - 1)
    assert pauses == {2, 3, 4}


def test_still_frames_tremble_as_the_clip_does_and_unknown_joints_stay_unknown(tmp_path):
    (batch,) = steps_of(paused_source(tmp_path, "skeleton"), epochs=1)
    shown, known = batch.inputs["skeleton"], batch.valid["skeleton"]
    assert not known[:, :, 7].any()
    assert not shown[:, :, 7].any()
    still = batch.targets["gesture"].value == IDLE
    for b in range(len(shown)):
        places = still[b].nonzero().flatten().tolist()
        pairs = [(i, j) for i, j in pairwise(places) if j == i + 1]
        held = [(i, j) for i, j in pairs if (shown[b, i] - shown[b, j]).abs().max() < 1.0]
        assert held
        assert all((shown[b, i] != shown[b, j]).any() for i, j in held)


@pytest.mark.parametrize(("tremble", "low", "high"), [((1, 1), 0.02, 0.1), ((50, 50), 1.0, 5.0)])
def test_noise_is_that_of_the_clip_and_not_of_where_it_is_cut(tmp_path, tremble, low, high):
    source = paused_source(tmp_path, "skeleton", media=30, frames=30)
    source = replace(source, splice=source.splice.model_copy(update={"tremble": tremble}))
    for row in range(4):  # at rest, then everything moves
        joints = np.random.default_rng(row).normal(0, 0.01, (30, 20, 3))
        joints[10:] += np.linspace(0, 20, 20)[:, None, None]
        np.save(tmp_path / f"{row}.npy", joints.astype(np.float32))
    changes = []
    for batch in steps_of(source, epochs=4):
        shown, still = batch.inputs["skeleton"], batch.targets["gesture"].value == IDLE
        for b in range(len(shown)):
            places = still[b].nonzero().flatten().tolist()
            pairs = [(i, j) for i, j in pairwise(places) if j == i + 1]
            changes += [float((shown[b, i] - shown[b, j]).abs().max()) for i, j in pairs]
    trembling = [change for change in changes if change < 15]  # others: from end to beginning
    assert len(trembling) > 10
    assert low < max(trembling) < high


def test_optical_flow_has_no_pauses(tmp_path):
    source = paused_source(tmp_path, "depth")
    flow = source.spec.model_copy(update={"modality": "flow/depth"})
    with pytest.raises(ValueError, match=r"'flow/depth' is movement\. Leave 'splice\.pause' out"):
        replace(source, spec=flow, table=with_flow(source.table, flow))


def test_a_clip_that_is_too_short_goes_on_in_a_pause(tmp_path):
    source = paused_source(tmp_path, "skeleton", share=1e-9)
    (batch,) = steps_of(source, epochs=1)
    target = batch.targets["gesture"]
    for b, row in enumerate(batch.context.row.tolist()):
        assert target.value[b].tolist() == [row % 2] * 5 + [IDLE] * 7
        assert target.mask[b].all()


def test_tasks_without_such_a_class_are_taught_nothing_in_a_pause(tmp_path):
    source = paused_source(tmp_path, "skeleton", share=1e-9, nothing=-1)
    (batch,) = steps_of(source, epochs=1)
    target = batch.targets["gesture"]
    assert target.mask.tolist() == [[True] * 5 + [False] * 7] * 4


def test_workers_and_resumed_epochs_make_the_same_clips(tmp_path):
    source = spliced_source(tmp_path)
    here = steps_of(source, epochs=1)
    there = steps_of(source, epochs=1, workers=1)
    again = [batch for (batch,) in Loader([source], seed=0).epoch(0, start=1)]
    for one, other in [*zip(here, there, strict=True), *zip(here[1:], again, strict=True)]:
        assert torch.equal(one.inputs["depth"], other.inputs["depth"])
        assert torch.equal(one.targets["gesture"].value, other.targets["gesture"].value)


def test_a_clip_without_a_label_teaches_only_where_the_other_has_one(tmp_path):
    source = spliced_source(tmp_path)
    column = source.table.columns["gesture"]
    values = np.where(source.table.subject == "ann", column.values, -1)
    values[1] = column.values[1]  # one clip of bob's is labeled
    table = replace(
        source.table,
        columns={**source.table.columns, "gesture": replace(column, values=values)},
    )
    source = replace(source, table=table, splice=source.splice.model_copy(update={"blind": 0}))
    for batch in steps_of(source):
        target = batch.targets["gesture"]
        for b in range(len(batch)):
            known = target.value[b] >= 0
            assert torch.equal(known, target.mask[b])
            assert bool(target.present[b]) == bool(known.any())


def test_rows_that_cannot_be_read_are_left_out(tmp_path):
    source = spliced_source(tmp_path)
    media = source.table.media["depth"].astype("<U300")
    media[2] = "missing.npy"
    source = replace(source, table=replace(source.table, media={"depth": media}))
    loader = Loader([source], seed=0, on_error="skip")
    rows = [
        row for epoch in range(3) for (b,) in loader.epoch(epoch) for row in b.context.row.tolist()
    ]
    assert sorted(set(rows)) == [0, 1, 3, 4, 5]
    assert all("missing.npy" in failure for failure in loader.failures)
    with pytest.raises(ValueError, match=r"missing\.npy"):
        steps_of(source)


def test_a_person_with_one_clip_stays_alone(tmp_path):
    source = spliced_source(tmp_path, rows=2)
    for batch in steps_of(source):
        assert (batch.targets["gesture"].value == batch.targets["gesture"].value[:, :1]).all()
    anyone = replace(source, splice=source.splice.model_copy(update={"among": "any"}))
    for batch in steps_of(anyone):
        assert (
            (batch.targets["gesture"].value != batch.targets["gesture"].value[:, :1]).any(1).all()
        )


def test_what_cannot_be_spliced_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"'gesture' answers once per clip\. Set its 'per_frame'"):
        check_splice(SpliceConfig(least=2), FRAMES, (gesture_spec(),))
    with pytest.raises(ValueError, match=r"at least 4 frames each .* have 6"):
        check_splice(SpliceConfig(), FRAMES, (gesture_spec(per_frame=True),))
    with pytest.raises(ValueError, match=r"a pause of up to 3 between, but clips have 6"):
        check_splice(SpliceConfig(least=2, pause=(0, 3)), FRAMES, (gesture_spec(per_frame=True),))
    with pytest.raises(ValueError, match=r"such as \[2, 24\]; found \[3, 1\]"):
        SpliceConfig(pause=(3, 1))
    with pytest.raises(ValueError, match=r"such as \[1, 20\]; found \[3, 1\]"):
        SpliceConfig(tremble=(3, 1))
    source = spliced_source(tmp_path)
    with pytest.raises(ValueError, match="once per clip"):
        replace(source, targets=(gesture_spec(),))
