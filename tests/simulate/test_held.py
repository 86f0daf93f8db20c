"""Things in hands: they stay there, turn with the arm or hang, and are drawn."""

import pytest
import torch

from onebody.simulate import make_cameras, make_motion, make_scenes, render
from onebody.simulate.body import BODY
from onebody.simulate.figure import PARTS, trunk_axes
from onebody.simulate.held import OBJECTS, SLOTS, held_cones, make_held
from onebody.simulate.stage import all_in_view, set_stage

UP = torch.tensor([0.0, 1.0, 0.0])
NAMES = list(OBJECTS)


def motion(kinds, frames=3):
    seeds = list(range(len(kinds)))
    return make_motion(kinds, seeds, seeds, frames, fps=6.0, facing_deg=10.0)


def cones_of(held, joints):
    return held_cones(held, joints, trunk_axes(joints), UP.expand(len(joints), 3))


def test_things_fit_the_depth_buffer():
    assert len(OBJECTS) >= 6
    assert len(PARTS) + SLOTS <= 32
    assert all(1 <= len(thing.cones) <= SLOTS for thing in OBJECTS.values())


def test_things_are_in_the_hand_that_holds_them():
    joints = motion(["walk", "throw", "wave", "jumping_jack"] * 7).joints_mm[:, 1]
    held = make_held(range(28), NAMES * 4)
    start, end, first, last = cones_of(held, joints)
    there = first > 0
    assert there.sum(1).tolist() == [len(OBJECTS[name].cones) for name in NAMES * 4]
    assert torch.equal(there, last > 0)
    hands = torch.stack([joints[:, BODY.index(f"{side}_hand")] for side in "rl"])
    near, far = hands[held.left.long(), range(28)], hands[1 - held.left.long(), range(28)]
    reach = torch.minimum((start - near[:, None]).norm(dim=-1), (end - near[:, None]).norm(dim=-1))
    reach = torch.where(there, reach, torch.inf).amin(1)
    assert (reach < 320).all()
    assert 4 < int(held.left.sum()) < 24
    assert ((start - far[:, None]).norm(dim=-1).amin(1) > 1).all()


def test_frames_keep_lengths_whatever_the_arm_does():
    joints = motion(["jumping_jack", "raise_hand", "squat"], 3).joints_mm.flatten(0, 1)
    for name in NAMES:
        held = make_held([5], [name]).select(torch.zeros(len(joints), dtype=torch.long))
        start, end, _, _ = cones_of(held, joints)
        length = (end - start).norm(dim=-1)
        expected = [(torch.tensor(c[1]) - torch.tensor(c[0])).norm() for c in OBJECTS[name].cones]
        found = length[:, : len(expected)] / held.size[:, None]
        torch.testing.assert_close(found, torch.stack(expected).expand_as(found), atol=3, rtol=0.02)


def test_bags_hang_and_umbrellas_stand():
    joints = motion(["walk", "raise_hand", "jumping_jack"]).joints_mm.flatten(0, 1)
    for name, sign in (("bag", -1), ("umbrella", 1)):
        held = make_held([1], [name]).select(torch.zeros(len(joints), dtype=torch.long))
        start, end, _, _ = cones_of(held, joints)
        number = 0 if name == "umbrella" else 2
        rise = (end - start)[:, number]
        assert (sign * rise[:, 1] > 0.99 * rise.norm(dim=1)).all()


def test_unknown_things_are_refused():
    with pytest.raises(ValueError, match="Did you mean 'stick'"):
        make_held([1], ["stik"])


def rendered(names, joints_for_all=True):
    seeds = [4] * len(names)
    found = make_motion(["raise_hand"] * len(names), seeds, seeds, 2, fps=2.0, facing_deg=0.0)
    scenes = make_scenes(seeds, occluders=0.0, clutter=0.0, noise=0.0)
    everything = set_stage(scenes, seeds, objects=["umbrella"] * len(names))
    cameras = make_cameras(seeds, 64, joints_mm=all_in_view(found.joints_mm, everything))
    if names[0]:
        scenes = set_stage(scenes, seeds, objects=names)
    joints = cameras.to_camera(found.joints_mm)
    return render(joints, found.shape, scenes, cameras, 64, ("rgb", "silhouette")).frames


def test_things_are_seen_in_all_pictures():
    empty = rendered([""])
    pictures = rendered(NAMES)
    for number in range(len(NAMES)):
        more = pictures["silhouette"][number].int() - empty["silhouette"][0].int()
        assert int((more < 0).sum()) < 20  # a few pixels of outlines are others
        assert 6 <= int((more > 0).sum()) / 2 <= 900
        assert (pictures["rgb"][number] != empty["rgb"][0]).any(-1).sum() >= 12
    shares = (pictures["silhouette"] > 0).flatten(1).float().mean(1)
    assert shares[NAMES.index("umbrella")] > shares[NAMES.index("stick")]


def test_a_camera_sees_all_of_a_thing():
    seeds = list(range(14))
    found = make_motion(["wave"] * 14, seeds, seeds, 2, fps=2.0, facing_deg=10.0)
    scenes = set_stage(make_scenes(seeds), seeds, objects=NAMES * 2)
    shown = all_in_view(found.joints_mm, scenes)
    assert shown.shape[2] == len(BODY) + 2 * SLOTS
    cameras = make_cameras(seeds, 80, joints_mm=shown)
    places = cameras.project(cameras.to_camera(shown))
    assert ((places > 0) & (places < 80)).all()
    assert torch.equal(all_in_view(found.joints_mm, make_scenes(seeds)), found.joints_mm)
