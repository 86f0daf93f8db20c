from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from make_samples import SPEC, gesture_spec, pose_spec, sample_table

from onebody.data import AugmentConfig, Loader, Source, TargetSpec, evaluation_batches
from onebody.labels import UNLABELED

AUGMENT = AugmentConfig(flip=0.5, rotate_deg=(-10, 10), noise=(0.0, 0.05), gamma=(0.8, 1.2))


@pytest.fixture
def sources(tmp_path):
    """A source with poses and gestures, and a smaller one with gestures only."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    first = sample_table(tmp_path / "a", rows=7)
    second = sample_table(tmp_path / "b", rows=3)
    second = replace(second, columns={"gesture": second.columns["gesture"]})
    targets = (pose_spec(), gesture_spec())
    stills = SPEC.model_copy(update={"frames": 1})
    return [
        Source(table=first, spec=SPEC, targets=targets, augment=AUGMENT, batch_size=3),
        Source(table=second, spec=stills, targets=targets, augment=AUGMENT, batch_size=2),
    ]


def break_row(source, row):
    media = source.table.media["depth"].astype("<U300")
    media[row] = "missing.npy"
    return replace(source, table=replace(source.table, media={"depth": media}))


def same(first, second):
    """Compare two batches to the bit."""
    assert torch.equal(first.context.row, second.context.row)
    assert torch.equal(first.inputs["depth"], second.inputs["depth"])
    assert torch.equal(first.context.crop_to_source, second.context.crop_to_source)
    assert first.targets.keys() == second.targets.keys()
    for task, target in first.targets.items():
        assert torch.equal(target.value, second.targets[task].value)
        assert torch.equal(target.present, second.targets[task].present)


def same_steps(first, second):
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        assert len(one) == len(other)
        for batch, twin in zip(one, other, strict=True):
            same(batch, twin)


def test_steps_mix_sources_of_different_shapes(sources):
    loader = Loader(sources, seed=0)
    assert loader.steps == 3
    steps = list(loader.epoch(0))
    assert [[batch.num_frames for batch in step] for step in steps] == [[4, 1], [1, 4], [4, 1]]
    assert [sorted(len(batch) for batch in step) for step in steps] == [[2, 3]] * 3
    assert ["pose" in batch.targets for batch in steps[0]] == [True, False]


def test_an_epoch_holds_every_row_of_the_largest_source(sources):
    rows = [
        batch.context.row
        for step in Loader(sources, seed=1).epoch(0)
        for batch in step
        if batch.num_frames == 4
    ]
    assert set(torch.cat(rows).tolist()) == set(range(7))


def test_the_same_seed_gives_the_same_steps(sources):
    first = list(Loader(sources, seed=3).epoch(1))
    same_steps(first, list(Loader(sources, seed=3).epoch(1)))
    other = list(Loader(sources, seed=4).epoch(1))
    assert not torch.equal(first[0][0].inputs["depth"], other[0][0].inputs["depth"])


def test_a_run_goes_on_in_mid_epoch(sources):
    whole = list(Loader(sources, seed=0, steps=5).epoch(2))
    for start in (0, 2, 4):
        same_steps(whole[start:], list(Loader(sources, seed=0, steps=5).epoch(2, start)))
    assert list(Loader(sources, seed=0, steps=5).epoch(2, 5)) == []


def test_workers_make_the_same_steps_and_leave_the_global_generator_alone(sources):
    sources = [break_row(sources[0], 4), sources[1]]
    plain = Loader(sources, seed=0, on_error="skip")
    helped = Loader(sources, seed=0, on_error="skip", workers=2)
    state = torch.get_rng_state()
    same_steps(list(plain.epoch(0)), list(helped.epoch(0)))
    assert torch.equal(torch.get_rng_state(), state)
    assert plain.failures == helped.failures
    assert len(plain.failures) == 1
    assert plain.dropped == helped.dropped >= 1


def test_draws_of_one_row_differ_from_pass_to_pass(sources):
    loader = Loader([sources[0]], seed=0, steps=7)  # 21 draws of 7 rows
    seen = {}
    for step in loader.epoch(0):
        for batch in step:
            for b, row in enumerate(batch.context.row.tolist()):
                seen.setdefault(row, []).append(batch.inputs["depth"][b])
    assert all(len(draws) == 3 for draws in seen.values())
    assert not any(torch.equal(draws[0], draws[1]) for draws in seen.values())


@pytest.mark.parametrize("workers", [0, 1])
def test_a_broken_row_stops_and_is_named(sources, workers):
    source = break_row(sources[0], 5)
    loader = Loader([source], seed=0, workers=workers)
    with pytest.raises(ValueError, match=r"made:5: missing\.npy"):
        list(loader.epoch(0))


def test_broken_rows_are_dropped_and_counted(sources):
    source = break_row(sources[0], 5)
    loader = Loader([source], seed=0, on_error="skip")
    rows = [row for step in loader.epoch(0) for row in step[0].context.row.tolist()]
    assert 5 not in rows
    assert set(rows) == {0, 1, 2, 3, 4, 6}
    list(loader.epoch(1))
    assert len(loader.failures) == 1
    assert loader.failures[0].startswith("made:5: missing.npy")
    assert loader.dropped >= 2


def test_a_step_without_any_good_row_is_an_error(sources):
    source = sources[0]
    for row in range(7):
        source = break_row(source, row)
    with pytest.raises(ValueError, match=r"Step 0 of epoch 0: none .* made:"):
        list(Loader([source], seed=0, on_error="skip").epoch(0))


def test_processes_divide_each_step(sources):
    whole = list(Loader(sources, seed=0).epoch(0))
    parts = [list(Loader(sources, seed=0, rank=rank, world=2).epoch(0)) for rank in range(2)]
    for step, first, second in zip(whole, *parts, strict=True):
        for batch, even, odd in zip(step, first, second, strict=True):
            assert torch.equal(even.inputs["depth"], batch.inputs["depth"][0::2])
            assert torch.equal(odd.inputs["depth"], batch.inputs["depth"][1::2])
    with pytest.raises(ValueError, match="2 rows of a step cannot be divided among 3"):
        Loader(sources, seed=0, world=3)


def test_weights_and_temperature_draw_one_source_a_step(sources):
    weighted = [replace(sources[0], weight=9.0), sources[1]]
    for temperature, expected in ((1.0, {4: 18, 1: 2}), (2.0, {4: 15, 1: 5})):
        loader = Loader(weighted, seed=0, steps=20, mixing="one", temperature=temperature)
        steps = list(loader.epoch(0))
        assert all(len(step) == 1 for step in steps)
        assert Counter(step[0].num_frames for step in steps) == expected
    with pytest.raises(ValueError, match=r"weight 9\.0, but every step"):
        Loader(weighted, seed=0)


def test_rows_without_media_or_labels_are_not_drawn(sources):
    table = sources[0].table
    media = table.media["depth"].copy()
    media[2] = ""
    labels = replace(table.columns["gesture"], values=np.array([0, 1, 2, 0, -1, 1, UNLABELED]))
    poses = table.columns["pose"].sources.copy()
    poses[6] = ""
    columns = {"gesture": labels, "pose": replace(table.columns["pose"], sources=poses)}
    source = replace(sources[0], table=replace(table, media={"depth": media}, columns=columns))
    rows = [
        row for step in Loader([source], seed=0, steps=4).epoch(0) for row in step[0].context.row
    ]
    assert {int(row) for row in rows} == {0, 1, 3, 4, 5}
    seen = torch.cat([batch.context.row for batch in evaluation_batches(source)])
    assert seen.tolist() == [0, 1, 3, 4, 5, 6]


def test_balance_shows_rare_labels_more_often(sources):
    table = sources[0].table
    poses = table.columns["pose"].sources.copy()
    poses[1:] = ""
    columns = {**table.columns, "pose": replace(table.columns["pose"], sources=poses)}
    source = replace(
        sources[0],
        table=replace(table, columns=columns),
        balance=("gesture", "pose"),
        batch_size=4,
    )
    for step in Loader([source], seed=0, steps=4).epoch(0):
        assert int(step[0].targets["pose"].present.sum()) >= 2


def test_sources_without_rows_are_refused(sources):
    table = sources[1].table
    other = TargetSpec(task="x", column="nowhere", form="class", table=np.arange(2))
    with pytest.raises(ValueError, match=r"none of its 3 rows has 'depth' and a label"):
        Loader([replace(sources[1], targets=(other,))], seed=0)
    empty = replace(table, media={"depth": np.array([""] * 3)})
    with pytest.raises(ValueError, match="Nothing to train on"):
        Loader([replace(sources[1], table=empty)], seed=0)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"seed": -1}, "at least 0"),
        ({"steps": 0}, "at least 1 step"),
        ({"rank": 2, "world": 2}, "rank 2 of 2"),
        ({"temperature": 0.0}, "temperature above 0"),
    ],
)
def test_nonsense_is_refused(sources, given, message):
    with pytest.raises(ValueError, match=message):
        Loader(sources, **{"seed": 0, **given})
    with pytest.raises(ValueError, match="at least one source"):
        Loader([], seed=0)
    with pytest.raises(ValueError, match="No step 9 of epoch 0"):
        list(Loader(sources, seed=0).epoch(0, 9))
    with pytest.raises(ValueError, match="found 0 and"):
        replace(sources[0], batch_size=0)


def test_evaluation_goes_through_the_rows_in_order(sources):
    batches = list(evaluation_batches(sources[0]))
    assert [batch.context.row.tolist() for batch in batches] == [[0, 1, 2], [3, 4, 5], [6]]
    linear = torch.cat([batch.context.crop_to_source for batch in batches])
    assert (linear == linear[0]).all()  # nothing is varied
    for batch, twin in zip(batches, evaluation_batches(sources[0], workers=1), strict=True):
        same(batch, twin)


def test_evaluation_takes_several_clips_of_each_row(sources):
    batches = list(evaluation_batches(sources[0], clips=2))
    assert [batch.context.row.tolist() for batch in batches[:2]] == [[0, 1, 2]] * 2
    assert len(batches) == 6
    times = torch.cat([batch.context.times_s[0] for batch in batches[:2]])
    assert len(set(times.tolist())) == 8


def test_evaluation_is_divided_among_processes(sources):
    rows = [
        torch.cat([b.context.row for b in evaluation_batches(sources[0], rank=r, world=2)]).tolist()
        for r in range(2)
    ]
    assert rows == [[0, 2, 4, 6], [1, 3, 5]]


def test_batches_from_workers_hold_only_their_inputs_in_shared_memory(sources):
    loader = Loader(sources, seed=0, workers=1)
    for batch in next(iter(loader.epoch(0))):
        assert not batch.context.row.is_shared()
        assert not any(target.value.is_shared() for target in batch.targets.values())
