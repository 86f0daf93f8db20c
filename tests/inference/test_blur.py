"""Faces are hidden, and where that is not sure, more is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onebody.inference import PoseAnswer, Prediction
from onebody.inference.blur import blur_faces, head_radius, in_head
from onebody.skeletons import SKELETONS, get_skeleton

LAYOUT = get_skeleton("coco-17")
HEIGHT, WIDTH = 200, 160

# A standing person who faces the camera, in pixels.
PLACES = {
    "nose": (80, 40), "l_eye": (83, 36), "r_eye": (77, 36), "l_ear": (87, 39), "r_ear": (73, 39),
    "l_shoulder": (98, 65), "r_shoulder": (62, 65), "l_elbow": (110, 92), "r_elbow": (50, 92),
    "l_wrist": (112, 115), "r_wrist": (48, 115), "l_hip": (90, 112), "r_hip": (70, 112),
    "l_knee": (92, 148), "r_knee": (68, 148), "l_ankle": (92, 184), "r_ankle": (68, 184),
}  # fmt: skip
HEAD = [name for name in PLACES if name[-3:] in ("ose", "eye", "ear")]


def person(**sure: float) -> np.ndarray:
    """Return ``[17, 3]``; confidences by joint, 0.9 else."""
    return np.array([[*PLACES[n], sure.get(n, 0.9)] for n in LAYOUT.joints], np.float32)


def said(joints: np.ndarray, size=(HEIGHT, WIDTH)) -> Prediction:
    """Return a prediction of one frame."""
    return Prediction(
        source="test",
        fps=30.0,
        size=size,
        times_s=np.zeros(1),
        poses={
            "pose": PoseAnswer(
                skeleton=LAYOUT.name,
                unit="px",
                joints=joints[None],
                measured=np.ones(1, np.bool_),
            )
        },
    )


def noise(height=HEIGHT, width=WIDTH, channels=3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), dtype=np.uint8)


def kept(picture, *people) -> np.ndarray:
    """Return ``[H, W]``: which pixels are as they were (of noise, hardly one by chance)."""
    blurred = blur_faces(picture, people)
    assert blurred.shape == picture.shape
    assert blurred.dtype == np.uint8
    return (blurred == picture).all(axis=2)


def test_a_body_stays_and_its_head_goes():
    sharp = kept(noise(), said(person()))
    for name, (x, y) in PLACES.items():
        if "shoulder" not in name:  # on the rim
            assert sharp[y - 3 : y + 3, x - 3 : x + 3].all() == (name not in HEAD), name
    assert sharp[:58, 55:105].mean() < 0.02  # from the neck up, the whole width of a head
    assert sharp[:15].mean() < 0.01  # background
    assert sharp[:, :20].mean() < 0.01


@pytest.mark.parametrize(
    "joints",
    [
        person(**dict.fromkeys(HEAD, 0.4)),  # no part of the head is sure
        person(**dict.fromkeys(PLACES, 0.4)),  # nobody
        person(**{n: 0.0 for n in PLACES if n != "nose"}),  # how large is the head?
        person() * np.array([-1, 1, 1], np.float32),  # outside of the picture
        np.full((17, 3), np.nan, np.float32),
    ],
)
def test_what_is_not_sure_is_hidden_whole(joints):
    assert kept(noise(), said(joints)).mean() < 0.01


def test_nobody_is_a_blurred_picture():
    assert kept(noise()).mean() < 0.01
    assert kept(noise(channels=1)).mean() < 0.02


def test_nothing_can_be_read_of_what_is_hidden():
    stripes = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    stripes[:, ::8] = stripes[:, 1::8] = stripes[:, 2::8] = stripes[:, 3::8] = 255
    hidden = blur_faces(stripes, ()).astype(int)
    assert np.ptp(hidden) < 30
    face = blur_faces(stripes, (said(person()),))[25:52, 65:95].astype(int)
    assert np.ptp(face) < 60


def test_a_less_sure_ear_is_hidden_too():
    joints = person(r_ear=0.2)
    joints[LAYOUT.index("r_ear"), :2] = (50, 100)  # it may be there
    sharp = kept(noise(), said(joints))
    assert not sharp[95:105, 45:55].any()


def test_one_person_does_not_show_the_head_of_another():
    other = person()
    other[:, :2] += (25, 60)  # the head lies within the first body's box
    sharp = kept(noise(), said(person()), said(other))
    x, y = PLACES["nose"]
    assert not sharp[y + 55 : y + 65, x + 20 : x + 30].any()


def test_a_picture_of_another_size_is_scaled():
    sharp = kept(noise(2 * HEIGHT, 2 * WIDTH), said(person()))
    x, y = PLACES["l_knee"]
    assert sharp[2 * y - 5 : 2 * y + 5, 2 * x - 5 : 2 * x + 5].all()
    x, y = PLACES["nose"]
    assert not sharp[2 * y - 5 : 2 * y + 5, 2 * x - 5 : 2 * x + 5].any()


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(st.floats(-50, 250), st.floats(-50, 250), st.floats(0, 1)),
        min_size=17,
        max_size=17,
    )
)
def test_no_pose_shows_what_lies_near_its_head(values):
    joints = np.array(values, np.float32)
    sharp = kept(noise(), said(joints))
    head = joints[in_head(LAYOUT)]
    for x, y, sure in head:
        if sure >= 0.5 and 2 <= x < WIDTH - 2 and 2 <= y < HEIGHT - 2:
            near = sharp[int(y) - 2 : int(y) + 3, int(x) - 2 : int(x) + 3]
            assert near.mean() < 0.1 or head_radius(joints, LAYOUT) < 3.0
    if not (head[:, 2] >= 0.5).any():
        assert sharp.mean() < 0.01


def test_every_layout_with_a_head_is_known():
    known = {name for name, layout in SKELETONS.items() if in_head(layout).any()}
    hands = {name for name, layout in SKELETONS.items() if "l_shoulder" not in layout.joints}
    assert set(SKELETONS) - known <= hands


def test_several_frames_are_refused():
    whole = said(person())
    two = Prediction(source="clip.mp4", fps=30.0, size=whole.size, times_s=np.zeros(2))
    with pytest.raises(
        ValueError, match=r"clip.mp4: expected the prediction of one frame.*found 2"
    ):
        blur_faces(noise(), (two,))
