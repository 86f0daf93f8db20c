"""Texts of NTU RGB+D: written and read back, damaged ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from list_damage import damaged
from ntu_texts import FIRST_ID, body, text_of, write_text

from onebody.datasets.defects import ManifestError
from onebody.datasets.ntu_skeleton import read_skeleton

FRAMES = ({}, {FIRST_ID: body()}, {FIRST_ID: body(0.1), FIRST_ID + 1: body(-0.5)}, {})


def test_frames_bodies_and_numbers(tmp_path):
    bodies = read_skeleton(write_text(tmp_path, "a", FRAMES))
    assert bodies.frames == 4
    assert bodies.frame.tolist() == [1, 2, 2]
    assert bodies.place.tolist() == [0, 0, 1]
    assert bodies.identity == (FIRST_ID, FIRST_ID, FIRST_ID + 1)  # exact, in spite of 17 digits
    assert bodies.joints.dtype == np.float32
    expected = [body(), body(0.1), body(-0.5)]
    np.testing.assert_allclose(bodies.joints, expected, rtol=1e-6)


def test_frames_without_anybody(tmp_path):
    bodies = read_skeleton(write_text(tmp_path, "a", [{}, {}]))
    assert bodies.frames == 2
    assert bodies.joints.shape == (0, 25, 12)


def test_line_ends_do_not_matter(tmp_path):
    file = write_text(tmp_path, "a", FRAMES)
    before = read_skeleton(file)
    file.write_bytes(file.read_bytes().replace(b"\r\n", b"\n") + b"\n\n")
    np.testing.assert_array_equal(read_skeleton(file).joints, before.joints)


@pytest.mark.parametrize("word", ["NaN", "nan", "-inf", "Infinity"])
def test_numbers_that_are_not_finite_stay(tmp_path, word):
    file = write_text(tmp_path, "a", [{1: body()}])
    lines = file.read_text().splitlines()
    lines[4] = " ".join([word, *lines[4].split()[1:]])
    file.write_text("\n".join(lines))
    joints = read_skeleton(file).joints
    assert np.argwhere(~np.isfinite(joints)).tolist() == [[0, 0, 0]]


def change(number, text):
    def changed(lines):
        lines[number - 1 : number] = text
        return lines

    return changed


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (lambda _: [""], ":1: expected the number of frames, found ''"),
        (change(1, ["0"]), ":1: expected the number of frames"),
        (change(1, ["x"]), ":1: expected the number of frames, found 'x'"),
        (change(1, ["-4"]), ":1: expected the number of frames"),
        (change(1, ["3"]), ":86: expected the end of the file after 3 frames, found 1 more lines"),
        (change(1, ["5"]), ":87: expected the number of bodies of frame 5 of 5, found the end"),
        (change(3, ["2"]), ":32: expected the number of joints"),
        (change(3, ["7"]), ":3: expected at most 6 bodies"),
        (change(86, ["1"]), ":87: expected 27 lines of a body in frame 4 of 4, found 0, then the"),
        (change(4, ["1 2 3"]), ":4: expected 10 values of a body, first its number, found '1 2 3'"),
        (change(4, ["7.2e16" + " 0" * 9]), ":4: expected 10 values of a body"),
        (change(5, ["20"]), ":5: expected 25 joints, found 20"),
        (change(6, ["1 2 3"]), ":6: expected 12 numbers of joint 1, found '1 2 3'"),
        (change(30, ["1" + " 2" * 12]), ":30: expected 12 numbers of joint 25"),
        (change(7, ["1 x 3" + " 2" * 9]), ":7: expected 12 numbers of joint 2"),
        (change(7, ["-1.#IND" + " 2" * 11]), ":7: expected 12 numbers of joint 2"),
        (change(8, ["1" + " 2" * 10 + " 3"]), ":8: expected a tracking state of 0, 1 or 2"),
        (change(59, [f"{FIRST_ID}" + " 0" * 9]), f":59: expected .* once, found {FIRST_ID} again"),
        (lambda lines: lines[:40], ":32: expected 27 lines of a body in frame 3 of 4, found 9, "),
    ],
)
def test_contradictions_name_file_and_line(tmp_path, changed, message):
    file = write_text(tmp_path, "a", FRAMES)
    file.write_text("\n".join(changed(file.read_text().splitlines())) + "\n")
    with pytest.raises(ManifestError, match=message) as caught:
        read_skeleton(file)
    assert caught.value.defect.file == str(file)


def test_numbers_short_in_one_line_and_long_in_the_next_are_the_same_text(tmp_path):
    file = write_text(tmp_path, "a", [{1: body()}])
    before = read_skeleton(file).joints
    lines = file.read_text().splitlines()
    lines[4:6] = [lines[4] + " " + lines[5].split()[0], " ".join(lines[5].split()[1:])]
    file.write_text("\n".join(lines))
    np.testing.assert_array_equal(read_skeleton(file).joints, before)


numbers = st.integers(10**16, 10**17 - 1)


@settings(max_examples=40, deadline=None)
@given(
    people=st.lists(st.lists(numbers, max_size=3, unique=True), min_size=1, max_size=5),
    seed=st.integers(0, 99),
)
def test_what_is_written_is_read(tmp_path_factory, people, seed):
    random = np.random.default_rng(seed)
    frames = [{own: body(float(random.normal())) for own in bodies} for bodies in people]
    bodies = read_skeleton(write_text(tmp_path_factory.mktemp("texts"), "a", frames))
    assert bodies.frames == len(frames)
    assert list(bodies.identity) == [own for found in people for own in found]
    assert bodies.frame.tolist() == [t for t, found in enumerate(people) for _ in found]
    wanted = [values for frame in frames for values in frame.values()]
    np.testing.assert_allclose(bodies.joints, np.reshape(wanted, (-1, 25, 12)), rtol=1e-5)


@settings(max_examples=80, deadline=None)
@given(share=st.floats(0, 1, exclude_max=True))
def test_truncated_texts_are_refused(tmp_path_factory, share):
    content = text_of(FRAMES).rstrip().encode()
    file = tmp_path_factory.mktemp("cut") / "a.skeleton"
    file.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ManifestError) as caught:
        read_skeleton(file)
    assert caught.value.defect.file == str(file)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_damaged_texts_are_named_or_read_whole(tmp_path_factory, data):
    content = data.draw(damaged(text_of(FRAMES).encode()))
    file = tmp_path_factory.mktemp("damaged") / "a.skeleton"
    file.write_bytes(content)
    try:
        bodies = read_skeleton(file)
    except ManifestError as error:
        assert error.defect.file == str(file)  # noqa: PT017
        assert error.defect.record >= 1  # noqa: PT017
        return
    assert bodies.joints.shape == (len(bodies.identity), 25, 12)
    assert np.isin(bodies.joints[..., 11], (0, 1, 2)).all()
    assert int(content.split()[0]) == bodies.frames
