"""Prediction of several media of one performance, any of them left out."""

from pathlib import Path

import numpy as np
import pytest
import torch

from onebody.config import read_config
from onebody.data import InputSpec, make_table
from onebody.data.assemble import make_batch
from onebody.inference import Predictor
from onebody.inference.prepare import picture_channels
from onebody.inference.reader import open_medium
from onebody.inference.reader_several import given_media, only_given, read_several
from onebody.inference.step import StepModule
from onebody.models import MultiTaskConfig, SavedNetwork, build_network, input_shapes
from onebody.tasks import ClassificationConfig, build_tasks
from scrambled import scramble

SPEC = InputSpec(
    modality="depth",
    size=16,
    frames=4,
    also=(
        InputSpec(modality="skeleton", skeleton="kinect-20", frames=6),
        InputSpec(modality="imu", frames=8),
    ),
)
NAMES = ("depth", "skeleton", "imu")
BRANCHES = {
    "depth": {"kind": "light", "width": 0.125, "keypoints": 0, "temporal_width": 8},
    "skeleton": {"kind": "skeleton", "channels": 8, "depth": 1},
    "imu": {"kind": "tcn-imu", "channels": 8},
}


@pytest.fixture
def files(tmp_path) -> dict[str, str]:
    """Two seconds: 20 pictures, 60 skeletons, 100 readings."""
    rng = np.random.default_rng(0)
    np.save(tmp_path / "depth.npy", rng.integers(0, 255, (20, 24, 32), np.uint8))
    np.save(tmp_path / "skeleton.npy", rng.normal(size=(60, 20, 3)).astype(np.float32))
    np.save(tmp_path / "imu.npy", rng.normal(size=(100, 1, 6)).astype(np.float32))
    return {name: str(tmp_path / f"{name}.npy") for name in NAMES}


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    configs = {"action": ClassificationConfig(name="action", classes=("walk", "sit", "run"))}
    config = read_config(
        MultiTaskConfig,
        {"encoder": {"kind": "fusion", "branches": BRANCHES, "channels": 8}},
        "test",
    )
    torch.manual_seed(0)
    network = build_network(config, build_tasks(configs), input_shapes(SPEC))
    scramble(network)
    saved = SavedNetwork(network=network.eval(), tasks=configs, input=SPEC, config=config, notes={})
    return Predictor(saved=saved)


def batch_of_rows(files: dict[str, str], spec: InputSpec, **spans: str):
    media = {name: [files[name] + spans.get(name, "")] for name in files}
    table = make_table("made", media, layouts={"skeleton": "kinect-20"}, fps=[10.0])
    return make_batch(table, [0], spec, (), augment=None)


@pytest.mark.parametrize("windows", [[[0, 20]], [[0, 10], [10, 20]]])
def test_a_window_is_the_same_part_of_every_medium(files, windows) -> None:
    lead = open_medium(files["depth"], fps=10)
    (group,) = read_several(lead, files, np.array(windows), SPEC)
    start, stop = windows[-1]
    spans = {
        name: f"#{start * rate}:{stop * rate}"
        for name, rate in (("depth", 1), ("skeleton", 3), ("imu", 5))
    }
    alone = batch_of_rows(files, SPEC, **spans)
    for name in NAMES:
        torch.testing.assert_close(group.batch.inputs[name][-1], alone.inputs[name][0])
    assert group.frames.shape == (len(windows), 4)
    assert group.batch.context.times_s[-1].tolist() == pytest.approx(
        (group.frames[-1] / 10).tolist()
    )


def test_a_medium_that_is_not_given_is_no_part_of_the_batch(files, predictor) -> None:
    whole = predictor.predict(files, fps=10)
    worn = predictor.predict({"imu": files["imu"]}, fps=50)
    assert len(whole) == 20
    assert len(worn) == 100
    table = make_table(
        "made",
        {"depth": [""], "skeleton": [""], "imu": [files["imu"]]},
        layouts={"skeleton": "kinect-20"},
        fps=[10.0],
    )
    batch = make_batch(table, [0], SPEC, (), augment=None)
    with torch.inference_mode():
        logits = predictor.saved.network([batch])[0]["action"][-1]
    # the sensor leads: the network works at its 8 frames, not at the 4 of pictures
    assert worn.classes["action"].scores.shape == logits.shape
    assert not np.allclose(worn.classes["action"].scores, whole.classes["action"].scores)


def test_the_first_medium_alone_may_be_given_as_it_is(files, predictor) -> None:
    named = predictor.predict({"depth": files["depth"]}, fps=10)
    plain = predictor.predict(files["depth"], fps=10)
    stored = predictor.predict(np.load(files["depth"]), fps=10)
    assert np.array_equal(named.classes["action"].scores, plain.classes["action"].scores)
    assert np.array_equal(stored.classes["action"].scores, plain.classes["action"].scores)
    assert plain.source == files["depth"]


def test_clips_and_spans_are_those_of_the_lead(files, predictor) -> None:
    lead = open_medium(files["depth"], fps=10, span_s=(1.0, float("nan")))
    groups = list(read_several(lead, files, np.array([[0, 10]]), SPEC, clips=2))
    assert len(groups) == 2
    assert groups[0].frames.tolist() != groups[1].frames.tolist()
    alone = batch_of_rows(files, SPEC, depth="#10:20", skeleton="#30:60", imu="#50:100")
    (middle,) = read_several(lead, files, np.array([[0, 10]]), SPEC)
    assert all(torch.equal(middle.batch.inputs[n], alone.inputs[n]) for n in NAMES)
    assert predictor.predict(files, fps=10, clips=2).classes["action"].scores.shape == (1, 3)


def test_what_is_given_is_put_in_the_networks_order() -> None:
    found = given_media({"imu": "b", "depth": Path("a")}, SPEC)
    assert list(found) == ["depth", "imu"]
    assert only_given(SPEC, ("imu", "skeleton")).modality == "skeleton"
    assert [m.modality for m in only_given(SPEC, ("imu", "skeleton")).media] == ["skeleton", "imu"]
    with pytest.raises(ValueError, match="does not read 'rgb'"):
        given_media({"rgb": "a"}, SPEC)
    with pytest.raises(ValueError, match="No medium is given"):
        given_media({}, SPEC)


def test_optical_flow_is_that_of_the_pictures_that_are_given(files) -> None:
    flow = InputSpec(modality="flow/depth", size=16, frames=5)
    spec = SPEC.model_copy(update={"also": (flow, SPEC.also[1])})
    assert list(given_media({"imu": "b", "depth": "a"}, spec).items()) == [
        ("depth", "a"),
        ("flow/depth", "a"),
        ("imu", "b"),
    ]
    assert list(given_media({"imu": "b"}, spec)) == ["imu"]
    first = flow.model_copy(update={"also": (SPEC.model_copy(update={"also": ()}),)})
    assert given_media("a", first) == {"flow/depth": "a", "depth": "a"}
    for given in ("a", {"depth": "a"}, {"flow/depth": "a"}):
        assert given_media(given, flow) == {"flow/depth": "a"}
    with pytest.raises(ValueError, match="does not read 'rgb'"):
        given_media({"rgb": "a"}, flow)
    lead = open_medium(files["depth"], fps=10)
    given = {name: str(path) for name, path in given_media(files["depth"], spec).items()}
    (group,) = read_several(lead, given, np.array([[0, 20]]), spec)
    assert group.batch.inputs["flow/depth"].shape == (1, 2, 5, 16, 16)
    assert group.batch.inputs["flow/depth"].any()


def test_what_several_media_cannot_do_is_said(files, predictor) -> None:
    with pytest.raises(ValueError, match="looks at whole pictures"):
        predictor.predict(files, fps=10, box="own")
    with pytest.raises(ValueError, match="reads depth, skeleton, imu"):
        picture_channels(SPEC)
    with pytest.raises(ValueError, match="one medium of pictures"):
        StepModule(predictor.saved.network, SPEC)
