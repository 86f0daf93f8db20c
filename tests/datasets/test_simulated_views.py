"""Several cameras around each simulated performance, any view missing."""

import numpy as np
import pytest
import torch

from onebody.data import InputSpec, make_batch
from onebody.data.sources import read_array
from onebody.data.table import JointsColumn
from onebody.datasets.simulated import SimulatedConfig, build_simulated
from onebody.datasets.simulated_views import file_name, present, view_names
from onebody.simulate.camera import make_cameras
from onebody.simulate.motion import make_motion

TINY = {
    "modalities": ("silhouette",),
    "size": 32,
    "frames": 3,
    "people": 2,
    "clips": 1,
    "actions": ("squat",),
    "gestures": ("wave",),
    "occluders": 0.0,
}


def table(folder, **given):
    return build_simulated(SimulatedConfig(**{**TINY, "cache": folder, **given}))


def pictures(found, medium: str) -> list[np.ndarray]:
    return [np.asarray(read_array(source)) for source in found.media[medium]]


def test_every_view_is_a_medium_of_its_own(tmp_path) -> None:
    one = table(tmp_path)
    several = table(tmp_path, views=3, view_step_degrees=60)
    assert list(several.media) == ["silhouette", "silhouette/2", "silhouette/3"]
    assert all((column != "").all() for column in several.media.values())
    first, second, third = (pictures(several, name) for name in several.media)
    assert all(
        np.array_equal(a, b) for a, b in zip(pictures(one, "silhouette"), first, strict=True)
    )
    assert first[0].shape == second[0].shape == (3, 32, 32, 1)
    assert all(not np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert all(not np.array_equal(a, b) for a, b in zip(second, third, strict=True))
    assert all(view.max() > 200 for view in second + third)  # the person is in every picture


def test_joints_and_cameras_are_those_of_the_first_view(tmp_path) -> None:
    one, several = table(tmp_path), table(tmp_path, views=2)
    assert np.array_equal(one.camera_matrix, several.camera_matrix)
    assert np.array_equal(one.depth_ref_mm, several.depth_ref_mm)
    joints = [found.columns["joints2d"] for found in (one, several)]
    assert all(isinstance(column, JointsColumn) for column in joints)
    before, after = (read_array(column.sources[0]) for column in joints)
    assert np.array_equal(before, after)


def test_cameras_of_a_view_stand_that_much_farther_around() -> None:
    seeds = [3, 4, 5]
    joints = make_motion(["squat"] * 3, [0, 1, 2], seeds, 3, fps=10.0).joints_mm
    first, second = (
        make_cameras(seeds, 64, joints_mm=joints, turn_degrees=turn) for turn in (0.0, 40.0)
    )
    middle = joints.flatten(1, 2)
    middle = (middle.amin(1) + middle.amax(1)) / 2
    away = [camera.position - middle for camera in (first, second)]
    yaw = [torch.atan2(place[:, 0], place[:, 2]).rad2deg() for place in away]
    assert torch.allclose(yaw[1] - yaw[0], torch.tensor(40.0), atol=0.01)
    assert torch.equal(away[0][:, 1], away[1][:, 1])
    reach = [place[:, [0, 2]].norm(dim=1) for place in away]
    assert torch.allclose(reach[0], reach[1], rtol=1e-4)
    for camera in (first, second):  # whoever stands where, the person is in the picture
        seen = camera.project(camera.to_camera(joints))
        assert bool(((seen > 0) & (seen < 64)).all())


def test_views_are_missing_by_row_and_one_always_is_there() -> None:
    seeds = list(range(600))
    sources = {name: [f"{name}{i}" for i in seeds] for name in ("rgb", "imu", "rgb/2", "rgb/3")}
    media = present(sources, ("rgb", "imu"), seeds, 3, 0.5)
    assert list(media) == ["rgb", "imu", "rgb/2", "rgb/3"]
    assert (media["imu"] != "").all()
    there = np.stack([media[name] != "" for name in ("rgb", "rgb/2", "rgb/3")], 1)
    assert there.any(1).all()
    # a half of each, and a third of the eighth that would have none
    assert there.mean(0) == pytest.approx([0.5 + 1 / 24] * 3, abs=0.06)
    assert media["rgb/2"][there[:, 1]][0].startswith("rgb/2")
    few = {name: found[:10] for name, found in sources.items()}
    again = present(few, ("rgb", "imu"), seeds[:10], 3, 0.5)
    assert np.array_equal(again["rgb/3"], media["rgb/3"][:10])


def test_a_batch_holds_all_views(tmp_path) -> None:
    found = table(tmp_path, views=2, view_share=0.5, people=4)
    second = InputSpec(modality="silhouette/2", size=16, frames=2)
    spec = InputSpec(modality="silhouette", size=16, frames=2, also=(second,))
    batch = make_batch(found, range(len(found)), spec, [], augment=None)
    assert batch.inputs["silhouette/2"].shape == (8, 1, 2, 16, 16)
    for name in spec.media:
        mask = batch.valid.get(name.modality, torch.ones(8, dtype=torch.bool))
        assert mask.tolist() == (found.media[name.modality] != "").tolist()


def test_names() -> None:
    assert view_names(("rgb", "depth"), 2) == ["rgb", "depth", "rgb/2", "depth/2"]
    assert file_name("rgb/2") == "rgb-2"
    with pytest.raises(ValueError, match="'views' are of pictures"):
        SimulatedConfig(modalities=("imu",), views=2)
