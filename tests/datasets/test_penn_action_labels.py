"""Labels of Penn Action: official defects are coped with, contradictions are named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from penn_files import SIZE, fields, write_label

from onebody.datasets.penn_action_labels import (
    BAD_BOXES,
    FEW_BOXES,
    NO_BOX,
    OUTSIDE,
    read_label,
    summary,
)

loadmat = pytest.importorskip("scipy.io", reason="scipy reads .mat files").loadmat


def test_places_count_from_the_picture_corner(tmp_path):
    video = read_label(write_label(tmp_path, "0007", action="squat", pose="left", train=-1))
    assert (video.name, video.action, video.view, video.split) == ("0007", "squat", "left", "test")
    assert video.size == SIZE
    assert video.odd == ()
    assert video.joints.shape == (6, 13, 3)
    np.testing.assert_allclose(video.joints[2, 3], [36.5, 24.5, 1.0])


@pytest.mark.parametrize("mark", [1.0, 0.75, 2 / 3, 1.5])
def test_joints_at_the_corner_of_scaled_videos_are_missing(tmp_path, mark):
    given = fields()
    for name, value in (("x", mark), ("y", mark), ("visibility", 0)):
        given[name][1:3, 4] = value
    given["visibility"][4, 5] = 0  # hidden, but annotated
    joints = read_label(write_label(tmp_path, "0001", **given)).joints
    missing = np.isnan(joints)
    assert missing[1:3, 4].all()
    assert missing.sum() == 2 * 3
    assert joints[4, 5].tolist() == [48.5, 34.5, 0.0]


def test_joints_outside_the_picture_are_not_seen(tmp_path):
    given = fields()
    given["x"][0, 2], given["y"][5, 7] = SIZE[1] + 1.0, -4.0
    video = read_label(write_label(tmp_path, "0001", **given))
    assert video.odd == (OUTSIDE,)
    assert np.argwhere(video.joints[..., 2] == 0).tolist() == [[0, 2], [5, 7]]
    assert video.joints[0, 2, 0] == SIZE[1] + 0.5


def test_missing_empty_and_unreadable_boxes_are_told(tmp_path):
    few, empty, unknown = fields(), fields(), fields()
    few["bbox"] = few["bbox"][:-1]
    empty["bbox"][3, 2] = empty["bbox"][3, 0]
    unknown["bbox"][:] = np.nan
    videos = [
        read_label(write_label(tmp_path, f"{n:04}", **given))
        for n, given in enumerate((fields(), few, empty, unknown))
    ]
    assert [video.odd for video in videos] == [(), (FEW_BOXES,), (BAD_BOXES,), (NO_BOX,)]
    assert summary(videos).startswith(f"1 videos (first: 0001) have {FEW_BOXES}; 1 videos (first: ")
    boxes = np.stack([video.box for video in videos])
    np.testing.assert_allclose(boxes[:3], [[4.5, 4.5, 59.5, 79.5]] * 3)
    np.testing.assert_allclose(boxes[3], [19.5, 9.5, 84.5, 69.5])  # of the joints
    assert summary(videos[:1]) == ""


def wrong(name, change):
    given = fields()
    given[name] = change(given[name])
    return name, given


def put(value, *place):
    def change(values):
        values[place] = value
        return values

    return change


@pytest.mark.parametrize(
    ("name", "given"),
    [
        wrong("action", lambda _: "swim"),
        wrong("action", lambda _: 3),
        wrong("pose", lambda _: "above"),
        wrong("train", lambda _: 0),
        wrong("nframes", lambda _: 7),
        wrong("nframes", lambda _: 6.5),
        wrong("dimensions", lambda _: [[90, 120]]),
        wrong("dimensions", lambda _: [[0, 120, 6]]),
        wrong("x", lambda x: x[:-1]),
        wrong("y", lambda y: y[:, :12]),
        wrong("x", put(np.nan, 0, 0)),
        wrong("y", put(np.inf, 5, 12)),
        wrong("visibility", lambda v: v[:-1]),
        wrong("visibility", put(2, 0, 0)),
        wrong("bbox", lambda b: b[:-2]),
        wrong("bbox", lambda b: b[:, :3]),
        wrong("bbox", lambda _: "none"),
    ],
)
def test_contradictions_name_file_and_field(tmp_path, name, given):
    file = write_label(tmp_path, "0042", **given)
    with pytest.raises(ValueError, match=f"column '{name}': expected") as caught:
        read_label(file)
    assert str(file) in str(caught.value)


def test_a_seen_joint_at_the_mark_of_missing_ones_is_refused(tmp_path):
    given = fields()
    given["x"][2, 2] = given["y"][2, 2] = 1
    with pytest.raises(ValueError, match="'visibility': expected 0 for joints at"):
        read_label(write_label(tmp_path, "0001", **given))


def test_lost_fields_and_files_are_named(tmp_path):
    given = fields()
    del given["y"]
    with pytest.raises(ValueError, match=r"0001\.mat: column 'y': expected such a field"):
        read_label(write_label(tmp_path, "0001", whole=False, **given))
    with pytest.raises(ValueError, match=r"0002\.mat: missing"):
        read_label(tmp_path / "0002.mat")


# Files are cut, not changed within: scipy itself crashes on some changed bytes.
@settings(max_examples=60, deadline=None)
@given(share=st.floats(0, 1, exclude_max=True))
def test_truncated_files_are_named(tmp_path_factory, share):
    file = write_label(tmp_path_factory.mktemp("cut"), "0001")
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match=r"0001\.mat: ") as caught:
        read_label(file)
    assert str(file) in str(caught.value)


def test_other_files_are_named(tmp_path):
    file = tmp_path / "0001.mat"
    file.write_text("<html>404 not found</html>" * 20)
    with pytest.raises(ValueError, match=r"0001\.mat: not a readable \.mat file"):
        read_label(file)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_wrong_values_are_named_or_read_whole(tmp_path_factory, data):
    given = fields()
    name = data.draw(st.sampled_from(sorted(given)))
    junk = st.sampled_from(
        ["", "x", 0, -1, 2, 6, 1e300, np.nan, np.inf, np.zeros(0), np.zeros((6, 13)), [[1j]], [{}]]
    )
    given[name] = data.draw(junk)
    file = write_label(tmp_path_factory.mktemp("wrong"), "0001", **given)
    try:
        video = read_label(file)
    except ValueError as error:
        assert str(file) in str(error)  # noqa: PT017
        return
    assert video.joints.shape == (6, 13, 3)


def test_official_labels(shared):
    files = sorted((shared / "data" / "formats" / "penn_action" / "labels").glob("*.mat"))
    videos = {video.name: video for video in map(read_label, files)}
    assert {name: len(video.joints) for name, video in videos.items()} == {
        "0001": 151, "0038": 73, "0500": 60, "1154": 72, "1700": 78, "2326": 52
    }  # fmt: skip
    assert [name for name, video in videos.items() if video.split == "train"] == ["0038"]
    assert {name: video.odd for name, video in videos.items() if video.odd} == {
        "0038": (BAD_BOXES,),
        "1154": (FEW_BOXES,),
    }
    assert videos["2326"].view == "left"
    for file in files:
        raw = loadmat(file)
        joints = videos[Path(file).stem].joints
        known = np.isfinite(joints[..., 0])
        np.testing.assert_allclose(joints[..., 0][known], raw["x"][known] - 0.5, rtol=1e-6)
        hidden = (raw["visibility"] == 0) & known
        assert (joints[..., 2][hidden] == 0).all()


def test_no_text_and_a_folder_are_named(tmp_path):
    with pytest.raises(
        ValueError, match=r"tennis_serve, found u?int\d+ \[1, 1\]\. Fetch the labels"
    ):
        read_label(write_label(tmp_path, "0001", action=np.array([[7]])))
    (tmp_path / "0002.mat").mkdir()
    with pytest.raises(ValueError, match=r"0002\.mat: expected a \.mat file, found a folder"):
        read_label(tmp_path / "0002.mat")
