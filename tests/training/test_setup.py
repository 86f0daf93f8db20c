from dataclasses import replace

import numpy as np
import pytest
import torch

from onebody.training import build_run
from onebody.training.distributed import World
from onebody.training.setup import choose_device
from onebody.training.sources import build_sources, clip_seconds, frames_per_second


def test_splits_become_sources(tiny):
    setup = build_run(tiny(["evaluation.batch_size=3", "augment={brightness: [0.9, 1.1]}"]))
    sizes = {name: [len(s.table) for s in sources] for name, sources in setup.sources.items()}
    assert sizes == {"train": [16], "validation": [4], "test": [4]}
    (train,), (test,) = setup.sources["train"], setup.sources["test"]
    assert (train.batch_size, test.batch_size) == (8, 3)
    assert train.augment == setup.recipe.augment
    assert test.augment is None
    assert [target.task for target in train.targets] == list(setup.recipe.tasks)
    assert setup.loader.steps == 2
    assert setup.total_steps == 4


def test_only_the_stated_columns_of_a_source_are_used(tiny):
    data = tiny().plain()["data"][0]
    setup = build_run(
        tiny(data=[data, {**data, "labels": ["gesture"]}]).only(["action", "gesture"])
    )
    assert [set(s.table.columns) for s in setup.sources["train"]][1] == {"gesture"}
    assert len(setup.sources["train"]) == 2
    assert (
        len(
            build_run(tiny(data=[data, {**data, "labels": ["gesture"]}]).only(["action"])).sources[
                "train"
            ]
        )
        == 1
    )
    with pytest.raises(
        ValueError, match=r"column of table 'tiny', 'data.labels': 'gestur'. Did you mean 'gesture'"
    ):
        build_run(tiny(data=[{**data, "labels": ["gestur"]}]))


def test_the_same_seed_draws_the_same_weights(tiny):
    first, second, third = (
        build_run(tiny([f"train.seed={seed}"])).network.state_dict() for seed in (0, 0, 1)
    )
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert any(not torch.equal(first[name], third[name]) for name in first)


def test_weights_lie_channels_last_only_if_asked(tiny):
    for asked in (True, False):
        network = build_run(tiny([f"train.channels_last={asked}"])).network
        kernels = [p for p in network.parameters() if p.ndim == 4 and min(p.shape[1:]) > 1]
        assert kernels
        if asked:
            assert all(p.is_contiguous(memory_format=torch.channels_last) for p in kernels)


def test_other_seeds_are_measured_on_the_same_rows(tiny):
    share = ["split={test_share: 0.25, validation_share: 0.25}"]
    first = build_run(tiny([*share, "train.seed=0"]))
    second = build_run(tiny([*share, "train.seed=5"]))
    other = build_run(tiny([*share, "evaluation.split_seed=5"]))
    names = [run.sources["test"][0].table.row_names.tolist() for run in (first, second, other)]
    assert names[0] == names[1] != names[2]


def test_sources_may_differ_in_shape_and_lack_labels(tiny):
    plain = tiny()
    data = plain.plain()["data"][0]
    still = {**data, "batch_size": 4, "input": {"frames": 1}}
    setup = build_run(tiny(data=[data, still]))
    shapes = {batch.inputs["rgb"].shape[:3] for step in setup.loader.epoch(0) for batch in step}
    assert shapes == {(8, 3, 4), (4, 3, 1)}
    unlabeled = {**still, "dataset": {**data["dataset"], "without": ["action"]}}
    setup = build_run(tiny(data=[data, unlabeled]).only(["action"]))
    assert len(setup.sources["train"]) == 1
    assert setup.rows["unlabeled"] == 24
    nothing = tiny(data=[{**data, "dataset": {**data["dataset"], "without": ["action"]}}])
    with pytest.raises(ValueError, match="No training row carries a label for action"):
        build_run(nothing.only(["action"]))


def test_hidden_labels_are_those_of_training_rows_and_the_same_for_a_twin(tiny):
    recipe = tiny(["data.0.hide={columns: [pose, who], share: 0.25}", "train.seed=4"])

    def labeled(setup, part, column):
        (source,) = setup.sources[part]
        return set(source.table.row_names[source.table.labeled(column)].tolist())

    setup = build_run(recipe)
    seen = labeled(setup, "train", "pose")
    assert len(seen) == 12
    assert labeled(setup, "train", "who") == seen
    assert len(labeled(setup, "train", "action")) == 16
    assert len(labeled(setup, "validation", "pose")) == len(labeled(setup, "test", "pose")) == 4
    assert labeled(build_run(recipe.only(["pose"])), "train", "pose") == seen
    other = tiny(["data.0.hide={columns: [pose], share: 0.25}", "evaluation.split_seed=1"])
    assert labeled(build_run(other), "train", "pose") != seen
    with pytest.raises(ValueError, match="no column 'poes'"):
        build_run(tiny(["data.0.hide={columns: [poes], share: 0.25}"]))


def test_flips_without_mirrors_are_refused(tiny):
    with pytest.raises(ValueError, match="does not say what a mirror makes of its classes"):
        build_run(tiny(["augment={flip: 0.5}"]))


def test_a_class_for_nothing_needs_something_that_teaches_it(tiny):
    framed = ["tasks.action={kind: classification, per_frame: true, nothing: nothing}"]
    framed += [
        f"tasks.{name}={{kind: classification, per_frame: true}}" for name in ("gesture", "who")
    ]
    framed += ["input.sampling=dense"]
    with pytest.raises(ValueError, match="no training row is labeled 'nothing', and there are no"):
        build_sources(tiny(framed))
    paused = "data.0.splice={share: 0.5, least: 1, pause: [1, 2]}"
    assert build_sources(tiny([*framed, paused])).tasks["action"].nothing == "nothing"


def test_rows_are_named_from_the_sources_that_fit(tiny):
    plain = tiny()
    data = plain.plain()["data"][0]
    half = {**data, "dataset": {**data["dataset"], "without": ["action"], "name": "small"}}
    setup = build_run(tiny(data=[data, half]))
    batch = next(iter(setup.loader.epoch(0)))[0]
    rows = torch.tensor([0, 9])
    assert setup.row_names(batch, rows, "action") == ["tiny:0", "tiny:9"]
    assert setup.row_names(batch, rows, "who") == ["tiny:0 or small:0", "tiny:9 or small:9"]


def test_device(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto", World()).type == "cpu"
    with pytest.raises(ValueError, match="no GPU is found"):
        choose_device("cuda", World())
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("cpu", World()).type == "cpu"
    assert choose_device("auto", World(rank=3, size=4, local_rank=1)) == torch.device("cuda", 1)


def test_processes_divide_the_rows_of_a_step(tiny):
    recipe = tiny()
    whole = [b.context.row.tolist() for step in build_run(recipe).loader.epoch(0) for b in step]
    parts = [
        [b.context.row.tolist() for step in _loader(recipe, rank).epoch(0) for b in step]
        for rank in range(2)
    ]
    for rows, *divided in zip(whole, *parts, strict=True):
        assert sorted(rows) == sorted(np.concatenate(divided).tolist())


def _loader(recipe, rank):
    # The wrapping of the network needs real processes; the loader does not.
    setup = build_run(recipe)
    setup.loader._rank, setup.loader._world = rank, 2
    return setup.loader


def test_clip_seconds_is_the_median_length(tiny):
    sources = build_run(tiny()).sources["train"]
    assert clip_seconds(sources) == pytest.approx(4 / 25)  # 4 frames at 25 per second
    clockless = [
        replace(s, table=replace(s.table, fps=np.full(len(s.table), np.nan))) for s in sources
    ]
    assert clip_seconds(clockless) is None


@pytest.mark.parametrize(("sampling", "stride", "fps"), [("dense", 2, 12.5), ("uniform", 1, None)])
def test_only_dense_sampling_has_a_frame_rate(tiny, sampling, stride, fps):
    sources = build_run(tiny()).sources["train"]
    changed = [
        replace(s, spec=s.spec.model_copy(update={"sampling": sampling, "stride": stride}))
        for s in sources
    ]
    assert frames_per_second(changed) == fps
