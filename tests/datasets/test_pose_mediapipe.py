"""MediaPipe landmarks: the forms in use, picture and world, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
from damage import check_read, cut_or_changed, damaged
from hypothesis import given, settings

from onebody.datasets.pose_clip import PoseOptions
from onebody.datasets.pose_mediapipe import LANDMARKS, read_mediapipe

OPTIONS = PoseOptions(joints=LANDMARKS, size=(200, 100), fps=30)
WORLD = PoseOptions(joints=LANDMARKS, world=True)


def landmarks(x, *, visibility=0.9):
    """Landmark k lies at (x, k / 100, 0.2)."""
    return [{"x": x, "y": k / 100, "z": 0.2, "visibility": visibility} for k in range(LANDMARKS)]


FORMS = {
    "one person": lambda a, b: [a, None, b],
    "people": lambda a, b: [[a], [], [b]],
    "results": lambda a, b: [{"landmarks": [a]}, {"landmarks": []}, {"landmarks": [b]}],
    "legacy": lambda a, b: {"frames": [{"poseLandmarks": v} for v in (a, None, b)]},
    "python": lambda a, b: {"frames": [{"pose_landmarks": v} for v in ([a], [], [b])]},
}


def read(tmp_path, content, options=OPTIONS, name="dance.json"):
    file = tmp_path / name
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    (clip,) = read_mediapipe(file, options)
    return clip


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_json(tmp_path, form):
    clip = read(tmp_path, FORMS[form](landmarks(0.5), landmarks(0.52)))
    assert (clip.name, clip.fps) == ("dance", 30)
    assert clip.joints.shape == (1, 3, LANDMARKS, 2)
    np.testing.assert_allclose(clip.joints[0, [0, 2], 10], [[100, 10], [104, 10]], rtol=1e-5)
    assert np.isnan(clip.joints[0, 1]).all()
    np.testing.assert_allclose(clip.scores[0, 0], 0.9)


def test_world_landmarks_are_millimetres(tmp_path):
    frame = {"landmarks": [landmarks(0.5)], "worldLandmarks": [landmarks(-0.3)]}
    clip = read(tmp_path, [frame], WORLD)
    np.testing.assert_allclose(clip.joints[0, 0, 7], [-300, 70, 200], rtol=1e-5)
    picture = read(tmp_path, [frame])
    np.testing.assert_allclose(picture.joints[0, 0, 7], [100, 7], rtol=1e-5)


def wide(first=0, *, frame=True, names="xyzv"):
    """Two frames, 3 and 5, a line each."""
    columns = [f"{axis}{k + first}" for k in range(LANDMARKS) for axis in names]
    lines = [",".join((["frame"] if frame else []) + columns)]
    for t, x in ((3, 0.5), (5, 0.52)):
        values = [
            {"x": x, "y": k / 100, "z": 0.2, "v": 0.9}[axis]
            for k in range(LANDMARKS)
            for axis in names
        ]
        lines.append(",".join(map(str, ([t] if frame else []) + values)))
    return "\n".join(lines) + "\n"


def long():
    lines = ["frame,landmark,x,y,z,visibility"]
    lines += [f"{t},{k},{x},{k / 100},0.2,0.9" for t, x in ((3, 0.5), (5, 0.52)) for k in range(33)]
    return "\r\n".join(lines)


@pytest.mark.parametrize("text", [wide(), wide(1), wide(names="xyz"), long(), "\ufeff" + long()])
def test_every_form_of_csv(tmp_path, text):
    clip = read(tmp_path, text, name="dance.csv")
    assert clip.joints.shape == (1, 3, LANDMARKS, 2)
    np.testing.assert_allclose(clip.joints[0, [0, 2], 10], [[100, 10], [104, 10]], rtol=1e-5)
    assert np.isnan(clip.joints[0, 1]).all()


def test_lines_without_a_frame_follow_each_other_and_empty_ones_show_nobody(tmp_path):
    lines = wide(frame=False).splitlines()
    lines.insert(2, "," * (4 * LANDMARKS - 1))
    clip = read(tmp_path, "\n".join(lines), name="dance.csv")
    assert np.isnan(clip.joints[0]).all((1, 2)).tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "a JSON file"),
        (3, "a list of frames, found int"),
        ([], "at least one frame"),
        ([3], "frame 0: expected a list of landmarks"),
        ([{"hands": []}], "frame 0: expected one of landmarks"),
        ([landmarks(0.5)[:21]], "frame 0: expected 33 landmarks, found 21"),
        ([None, [{"x": 1}] * 33], "frame 1, landmark 0: expected 3 finite numbers"),
        ([[[1, 2, 3]] * 33], "frame 0: expected 33 landmarks"),
        ([landmarks(400)], "fractions of the picture, found pixels"),
        ([landmarks(float("nan"))], "landmark 0: expected 3 finite"),
    ],
)
def test_other_json_is_refused(tmp_path, content, message):
    with pytest.raises(ValueError, match=message) as error:
        read(tmp_path, content)
    assert str(tmp_path / "dance.json") in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "columns frame, landmark"),
        ("a,b\n1,2\n", "columns frame, landmark"),
        (long().replace("3,0,0.5", "3,0,up"), r":2: expected numbers as x, y, z"),
        (long().replace("3,1,", "3,0,"), r":3: expected landmark 0 of frame 3 once"),
        (long().replace("3,1,", "4,1,"), "33 landmarks a frame, found 32 in frame 3"),
        (long().replace("3,1,", "3,33,"), "landmark: a whole number up to 32"),
        (long().replace("3,1,", "x,1,"), "frame: a whole number"),
        (wide().replace("\n5,", "\n3,"), ":3: expected each frame once"),
        (wide().replace("x32,", "x33,"), "columns frame, landmark"),
        (long() + '\n"', "a CSV file"),
        (long().replace("3,1,", "3,1,5,"), r":3: expected 6 columns"),
        (long() + "\r\n\r\n6", r":69: expected 6 columns"),
    ],
)
def test_other_csv_is_refused(tmp_path, text, message):
    with pytest.raises(ValueError, match=message) as error:
        read(tmp_path, text, name="dance.csv")
    assert str(tmp_path / "dance.csv") in str(error.value)


def test_the_size_and_the_layout_have_to_fit(tmp_path):
    with pytest.raises(ValueError, match=r"--size 1920x1080, or .* --world"):
        read(tmp_path, [landmarks(0.5)], PoseOptions(joints=LANDMARKS))
    with pytest.raises(ValueError, match="a layout of 33 joints, found 17"):
        read(tmp_path, [landmarks(0.5)], PoseOptions(joints=17, size=(9, 9)))


@settings(max_examples=80, deadline=None)
@given(content=damaged([{"landmarks": [landmarks(0.5)]}, None]))
def test_contradictions_end_in_an_error_that_names_the_file(content, tmp_path_factory):
    file = tmp_path_factory.getbasetemp() / "damaged-landmarks.json"
    file.write_text(json.dumps(content))
    check_read(lambda: read_mediapipe(file, OPTIONS), file)


@settings(max_examples=80, deadline=None)
@given(content=cut_or_changed(long().encode()))
def test_damaged_csv_ends_in_an_error_that_names_the_file(content, tmp_path_factory):
    file = tmp_path_factory.getbasetemp() / "damaged-landmarks.csv"
    file.write_bytes(content)
    check_read(lambda: read_mediapipe(file, OPTIONS), file)
