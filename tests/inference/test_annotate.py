"""Pictures of a stream keep one layout, whatever comes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from onebody.inference import Label, PoseAnswer, Prediction
from onebody.inference.annotate import Annotator
from onebody.inference.draw import SIDE_COLORS
from onebody.skeletons import get_skeleton

LAYOUT = get_skeleton("mpii-16")


def said(joints=None, size=(120, 160), space=False) -> Prediction:
    """Return a prediction with a bone from the left hip to the left knee."""
    places = np.full((1, len(LAYOUT), 3), np.nan, np.float32)
    for name, place in (joints or {"l_hip": (40, 30), "l_knee": (40, 90)}).items():
        places[0, LAYOUT.index(name)] = (*place, 0.9)
    measured = np.ones(1, np.bool_)
    poses = {"pose": PoseAnswer(skeleton="mpii-16", unit="px", joints=places, measured=measured)}
    if space:
        mm = np.concatenate([10 * places[..., :2], 2500 + 0 * places[..., :1], places[..., 2:]], -1)
        poses["space"] = PoseAnswer(skeleton="mpii-16", unit="mm", joints=mm, measured=measured)
    return Prediction(source="t", fps=30.0, size=size, times_s=np.zeros(1), poses=poses)


def orange(picture) -> np.ndarray:
    """Return ``[H, W]``: where is the color of the left side?"""
    return (np.abs(picture.astype(int) - SIDE_COLORS["left"]) < 12).all(axis=2)


def blank(height=120, width=160) -> np.ndarray:
    return np.full((height, width, 3), 90, np.uint8)


def test_a_bone_is_drawn_where_its_joints_are():
    drawn = Annotator(least_side_px=120).draw(blank(), said(), {})
    assert drawn.shape == (120, 160, 3)
    rows, columns = np.nonzero(orange(drawn))
    assert columns.mean() == pytest.approx(39.5, abs=0.6)
    assert (rows.min(), rows.max()) == (pytest.approx(30, abs=3), pytest.approx(90, abs=3))


def test_another_size_is_fitted_and_its_joints_with_it():
    annotator = Annotator(least_side_px=120)
    first = annotator.draw(blank(), said(), {})
    wide = said({"l_hip": (160, 30), "l_knee": (160, 90)}, size=(120, 320))
    drawn = annotator.draw(blank(120, 320), wide, {})
    assert drawn.shape == first.shape
    assert (drawn[:25] == (16, 18, 24)).all()  # empty above
    rows, columns = np.nonzero(orange(drawn))
    assert columns.mean() == pytest.approx(80, abs=1)
    assert rows.mean() == pytest.approx(30 + 30, abs=2)


def test_labels_the_notice_and_the_view_have_their_places():
    label = Label(task="action", name="wave", probability=0.8)
    annotator = Annotator("demo weights", least_side_px=120)
    shown = annotator.draw(blank(), said(space=True), {"action": label})
    quiet = annotator.draw(blank(), said(space=True), {"action": None})
    alone = annotator.draw(blank(), replace(said(), poses={}), {})
    assert shown.shape == quiet.shape == alone.shape
    assert shown.shape[1] == 160 + 72  # the view in space
    assert (shown[120:] != quiet[120:]).any()
    last_line = slice(shown.shape[0] - 18, None)
    assert (shown[last_line] == quiet[last_line]).all()
    assert shown[last_line].max() > 200  # the notice is written there
    assert orange(shown[:, 160:]).any()
    assert not orange(alone).any()
    plain = Annotator(least_side_px=120).draw(blank(), said(space=True), {"action": label})
    assert plain.shape[0] < shown.shape[0]


def test_grey_pictures_are_drawn_on():
    drawn = Annotator(least_side_px=120).draw(blank()[..., :1], said(), {})
    assert drawn.shape == (120, 160, 3)
    assert orange(drawn).any()
