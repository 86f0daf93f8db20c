"""Stresses: nothing at the first strength, something at the others, always the same."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from onebody.data import (
    ClassColumn,
    InputSpec,
    Loader,
    Source,
    TargetSpec,
    evaluation_batches,
    make_table,
)
from onebody.evaluation.endurance import measure_under_stress
from onebody.evaluation.stress import STRESSES, blur, drop_frames, get_stress, stress_names
from onebody.labels import symmetric
from onebody.skeletons import get_skeleton

ROWS, FRAMES, SIDE = 6, 12, 20
LAYOUT = "kinect-20"
TARGET = TargetSpec(task="action", column="action", form="class", table=np.arange(2))


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Moving pictures and walking skeletons, some joints of which are missing."""
    folder = tmp_path_factory.mktemp("stress")
    rng = np.random.default_rng(0)
    pictures = rng.integers(30, 250, (ROWS * FRAMES, SIDE, SIDE, 3), dtype=np.uint8)
    np.save(folder / "rgb.npy", pictures)
    np.save(folder / "depth.npy", pictures[..., 0])
    joints = rng.normal(0, 200, (ROWS * FRAMES, len(get_skeleton(LAYOUT)), 3)).astype(np.float32)
    joints[::3, 4] = np.nan
    np.save(folder / "joints.npy", joints)
    spans = [f"#{FRAMES * i}:{FRAMES * (i + 1)}" for i in range(ROWS)]
    files = {"rgb": "rgb", "depth": "depth", "skeleton": "joints"}
    return make_table(
        "stressed",
        {name: [f"{folder}/{file}.npy{span}" for span in spans] for name, file in files.items()},
        columns={
            "action": ClassColumn(
                values=np.arange(ROWS) % 2, space=symmetric("actions", ("a", "b"))
            )
        },
        layouts={"skeleton": LAYOUT},
        fps=[10.0] * ROWS,
    )


def spec_of(modality):
    if modality == "skeleton":
        return InputSpec(modality=modality, frames=6, skeleton=LAYOUT, scale="none", center="none")
    return InputSpec(modality=modality, size=32, frames=6)


def batch_of(source, name=None, level=0.0):
    """Read all rows under a stress."""
    if name is None:
        return next(iter(evaluation_batches(source)))
    stress = get_stress(name)
    return stress.changed(next(iter(evaluation_batches(stress.apply(source, level)))), level)


def same(first, second):
    """Whether two batches are equal, bit for bit."""
    parts = [(first.inputs, second.inputs), (first.valid, second.valid)]
    return all(
        own.keys() == other.keys() and all(torch.equal(own[k], other[k]) for k in own)
        for own, other in parts
    )


CASES = [
    pytest.param(name, modality, id=f"{name}-{modality}")
    for name, stress in STRESSES.items()
    for modality in ("rgb", "depth", "skeleton")
    if modality in stress.modalities
]


@pytest.mark.parametrize(("name", "modality"), CASES)
def test_contract(table, name, modality):
    source = Source(table=table, spec=spec_of(modality), targets=(TARGET,))
    levels = STRESSES[name].levels
    assert len(levels) == 5
    assert list(levels) == sorted(set(levels))
    clean = batch_of(source)
    assert same(batch_of(source, name, levels[0]), clean)
    previous = clean
    for level in levels[1:]:
        batch = batch_of(source, name, level)
        assert not same(batch, previous)
        assert same(batch, batch_of(source, name, level))
        assert batch.inputs[modality].shape == clean.inputs[modality].shape
        assert torch.equal(batch.targets["action"].value, clean.targets["action"].value)
        assert torch.equal(batch.context.row, clean.context.row)
        previous = batch


@pytest.mark.parametrize("name", [n for n, s in STRESSES.items() if "skeleton" in s.modalities])
def test_missing_joints_are_masked_and_zero(table, name):
    source = Source(table=table, spec=spec_of("skeleton"), targets=(TARGET,))
    clean = batch_of(source).valid["skeleton"]
    for level in STRESSES[name].levels:
        batch = batch_of(source, name, level)
        valid = batch.valid.get("skeleton", torch.ones_like(clean))
        assert (batch.inputs["skeleton"][~valid] == 0).all()
        assert batch.inputs["skeleton"].isfinite().all()
        assert name == "speed" or (clean | ~valid).all()  # nothing comes back


@pytest.mark.parametrize(("level", "lost"), [(12.5, 1), (25, 2), (50, 4), (75, 6), (100, 7)])
def test_lost_frames(level, lost):
    from onebody.data import Batch, Context

    rows = 4
    context = Context(
        row=torch.arange(rows),
        times_s=torch.zeros(rows, 8),
        crop_to_source=torch.zeros(rows, 2, 3),
        camera=torch.zeros(rows, 4),
        depth_ref_mm=torch.zeros(rows),
    )
    numbers = torch.arange(8.0).view(1, 1, 8, 1, 1).expand(rows, 3, 8, 2, 2)
    batch = Batch(inputs={"rgb": numbers, "skeleton": torch.ones(rows, 8, 5, 3)}, context=context)
    made = drop_frames(batch, level)
    shown = made.inputs["rgb"][:, 0, :, 0, 0]
    kept = shown == torch.arange(8.0)
    assert kept.sum(1).tolist() == [8 - lost] * rows
    assert kept[:, 0].all()
    assert (shown.diff(dim=1) >= 0).all()  # the last one that came stands still
    valid = made.valid["skeleton"]
    assert torch.equal(valid, kept[:, :, None].expand(rows, 8, 5))
    assert torch.equal(made.inputs["skeleton"] == 1, valid[..., None].expand(rows, 8, 5, 3))
    more = drop_frames(batch, min(level + 20, 100))
    assert (kept | ~(more.inputs["rgb"][:, 0, :, 0, 0] == torch.arange(8.0))).all()


def test_the_frames_lost_depend_on_the_row_alone(table):
    source = Source(table=table, spec=spec_of("rgb"), targets=(TARGET,))
    whole = batch_of(source, "frames", 50)
    small = replace(source, batch_size=4)
    parts = [drop_frames(batch, 50) for batch in evaluation_batches(small)]
    assert torch.equal(torch.cat([part.inputs["rgb"] for part in parts]), whole.inputs["rgb"])


def test_blur_keeps_the_light(table):
    source = Source(table=table, spec=spec_of("rgb"), targets=(TARGET,))
    clean = batch_of(source)
    flat = replace(clean, inputs={"rgb": torch.full_like(clean.inputs["rgb"], 0.25)})
    torch.testing.assert_close(blur(flat, 4).inputs["rgb"], flat.inputs["rgb"])
    spread = [blur(clean, level).inputs["rgb"].std() for level in (0, 4, 8, 16)]
    assert spread == sorted(spread, reverse=True)
    dot = torch.zeros_like(clean.inputs["rgb"])
    dot[..., 16, 16] = 1
    made = blur(replace(clean, inputs={"rgb": dot}), 100 / 32).inputs["rgb"][0, 0, 0]
    assert made.sum() == pytest.approx(1, abs=1e-5)  # a deviation of one pixel
    assert (made[16, 17] / made[16, 16]).item() == pytest.approx(np.exp(-0.5), rel=1e-4)


def test_training_takes_no_stress(table):
    source = Source(table=table, spec=spec_of("rgb"), targets=(TARGET,))
    Loader([source], seed=0)
    with pytest.raises(ValueError, match="'change' is for tests; training has 'augment'"):
        Loader([STRESSES["light"].apply(source, 30)], seed=0)


def test_a_faster_clip_keeps_the_tests_frames(table):
    source = Source(table=table, spec=spec_of("skeleton"), targets=(TARGET,))
    clean, fast = batch_of(source), batch_of(source, "speed", 2.0)
    rest = clean.context.times_s[:, 0:1]
    steps = [(batch.context.times_s - rest) for batch in (clean, fast)]
    assert fast.context.times_s.diff(dim=1)[:, 0] == pytest.approx(
        2 * clean.context.times_s.diff(dim=1)[:, 0]
    )
    assert (steps[1] <= (FRAMES - 1) / 10).all()


def test_only_fitting_stresses_are_named():
    assert "light" not in stress_names(spec_of("depth"))
    assert stress_names(spec_of("skeleton")) == (
        *("rotation", "view", "speed", "frames", "joints", "jitter", "stature"),
    )
    still = InputSpec(frames=1)
    assert not {"speed", "frames"} & set(stress_names(still))
    with pytest.raises(ValueError, match=r"Unknown stress 'blurr'. Did you mean 'blur'"):
        get_stress("blurr")


def test_endurance(table):
    from onebody.config import read_config
    from onebody.models import NETWORKS, build_network, input_shapes
    from onebody.tasks import build_tasks
    from onebody.tasks.classification import ClassificationConfig

    config = ClassificationConfig(name="action", column="action", classes=("a", "b"))
    tasks = build_tasks({"action": config})
    spec = spec_of("rgb")
    torch.manual_seed(0)
    network = build_network(
        read_config(NETWORKS["multitask"].config, {}, "test"), tasks, input_shapes(spec)
    )
    source = Source(table=table, spec=spec, targets=(tasks["action"].target_spec(table),))
    said: list[str] = []
    curves = measure_under_stress(network, [source], stresses=["light", "blur"], say=said.append)
    assert said == ["light", "blur"]
    assert [curve.stress for curve in curves] == ["light", "blur"]
    for curve in curves:
        assert curve.levels == STRESSES[curve.stress].levels
        assert curve.metrics == {"action": "top1"}
        assert curve.samples == {"action": ROWS}
        assert len(curve.values["action"]) == 5
    assert curves[0].values["action"][0] == curves[1].values["action"][0]
    with pytest.raises(ValueError, match=r"Stress 'joints' cannot be made to rgb. It suits skel"):
        measure_under_stress(network, [source], stresses=["joints"])
    flow = source.spec.model_copy(update={"modality": "flow/rgb"})
    both = replace(source, spec=source.spec.model_copy(update={"also": (flow,)}))
    with pytest.raises(ValueError, match=r"No stress can be made to rgb\+flow/rgb"):
        measure_under_stress(network, [both])
