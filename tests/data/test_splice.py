from dataclasses import replace

import numpy as np
import pytest
import torch
from make_samples import SPEC, gesture_spec, pose_spec, sample_table

from onebody.data import Loader, Source, SpliceConfig
from onebody.data.splice import check_splice, draw_cuts

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
        given = (source.splice, source.table, pool, np.array(rows), passes)
        found = draw_cuts(*given, seed=1, frames=FRAMES)
        columns = (found.entries, found.rows, found.frames)
        return {rows[e]: (r, f) for e, r, f in zip(*map(np.ndarray.tolist, columns), strict=True)}

    together = cuts([0, 1, 2, 3, 4, 5])
    assert 0 < len(together) < 6
    assert {k: v for row in range(6) for k, v in cuts([row]).items()} == together


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
    source = spliced_source(tmp_path)
    with pytest.raises(ValueError, match="once per clip"):
        replace(source, targets=(gesture_spec(),))
