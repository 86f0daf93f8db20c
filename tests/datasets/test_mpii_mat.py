"""MPII's .mat file, written here in the official layout (no official file was at hand)."""

import re

import numpy as np
import pytest
from damage import cut
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mpii_release import EMPTY, act, picture, points, rect, release, structs
from PIL import Image

from onebody.data import InputSpec, make_batch
from onebody.data.sources import read_array
from onebody.datasets.mpii import RELEASE, MpiiConfig, read_mpii
from onebody.datasets.mpii_mat import read_pictures
from onebody.tasks import Pose2DConfig, build_tasks, resolve_tasks

savemat = pytest.importorskip("scipy.io", reason="scipy reads .mat files").savemat

ACTS = [act(5, "curling", "winter"), act(5, "curling", "winter"), act(9, "golf", "sports"), act()]
PICTURES = [
    picture("a.jpg", [rect(points(16, v0="0", v1="1", v2=0, v3=1, v4="")), rect()], 1),
    picture("b.jpg", [rect(points(3)), rect(points(2), scale=1.0)], 1),
    picture("c.jpg", [rect(points(1), head=None)], 2),
    picture("d.jpg", [rect(), rect(position=None, scale=None)]),
]
WHOLE = release(PICTURES, [1, 1, 1, 0], [[1], [1, 2], [], [1]], ACTS)


def write(folder, content=WHOLE, **options):
    (folder / "images").mkdir(exist_ok=True)
    for name in "abcd":
        Image.new("RGB", (300, 200)).save(folder / "images" / f"{name}.jpg")
    savemat(folder / RELEASE, content, **options)
    return folder


def read(folder, **given):
    return read_mpii(MpiiConfig(folder=folder, **given))


@pytest.fixture(scope="module")
def official(tmp_path_factory):
    folder = write(tmp_path_factory.mktemp("mpii"))
    with pytest.warns(UserWarning, match=r"1 people of training pictures without joints \(first: "):
        read(folder)
    return folder


def joints_of(table, row):
    return read_array(str(table.columns["pose2d"].sources[row]))[0]


def test_a_row_per_person(official):
    table = read(official)
    assert table.row_names.tolist() == [
        f"{RELEASE}: annolist(1).annorect(1)",
        f"{RELEASE}: annolist(2).annorect(1)",
        f"{RELEASE}: annolist(2).annorect(2)",
        f"{RELEASE}: annolist(3).annorect(1)",
        f"{RELEASE}: annolist(4).annorect(1)",
    ]
    assert table.split.tolist() == ["train"] * 4 + ["test"]
    assert table.source.tolist() == ["vidA"] * 3 + ["vidB", ""]
    assert table.group.tolist() == ["vidA"] * 3 + ["vidB", "d.jpg"]
    assert table.labeled("pose2d").tolist() == [True] * 4 + [False]


def test_joints_boxes_and_heads(official):
    table = read(official)
    first = joints_of(table, 0)
    np.testing.assert_allclose(first[3], [103.5, 56.5, 1])
    assert first[:6, 2].tolist() == [0, 1, 0, 1, 1, 1]  # empty or not there: seen
    assert np.isnan(joints_of(table, 1)[3:]).all()
    # objpos counts from 1; a person of scale 2 is 400 high, and the box 30 lower
    np.testing.assert_allclose(table.box[0], [0.5, -69.5, 400.5, 330.5])
    np.testing.assert_allclose(table.head_px, [30, 30, 30, np.nan, 30])


def test_activities(official):
    table = read(official)
    activity, category = table.columns["activity"], table.columns["category"]
    assert activity.space.classes == ("curling", "golf")
    assert activity.values.tolist() == [0, 0, 0, 1, -1]
    assert category.space.classes == ("sports", "winter")
    assert category.values.tolist() == [1, 1, 1, 0, -1]


def test_people_who_stand_apart(tmp_path):
    folder = write(tmp_path)
    with pytest.warns(UserWarning, match="3 people who do not stand apart"):
        table = read(folder, people="single")
    assert [name.split("annolist")[1] for name in table.row_names] == [
        "(1).annorect(1)",
        "(2).annorect(1)",
        "(2).annorect(2)",
        "(4).annorect(1)",
    ]


def test_single_elements_collapse(tmp_path):
    """One picture of one person of one joint in one video: every array is its only element."""
    content = release([picture("a.jpg", [rect(points(1))], 1)], [1], [[1]], [ACTS[0]], ["only"])
    table = read(write(tmp_path, content), people="single")
    assert table.source.tolist() == ["only"]
    np.testing.assert_allclose(joints_of(table, 0)[0], [100.5, 50.5, 1])
    assert table.columns["activity"].space.classes == ("curling",)


def test_nobody_in_a_picture_and_no_activities(tmp_path):
    content = release([picture("a.jpg", []), PICTURES[2]], [1, 1], [[], [1, 1]], [act(), act()])
    whole = content["RELEASE"][0, 0]
    parts = {name: whole[name] for name in whole.dtype.names if name != "act"}
    content = {"RELEASE": structs([parts])}
    table = read(write(tmp_path, content))
    assert len(table) == 1
    assert list(table.columns) == ["pose2d"]


def test_activities_of_one_name_are_told_apart(tmp_path):
    acts = [act(1, "hunting", "sea"), act(2, "hunting", "land"), act(3, "hunting", "land"), act()]
    pictures = [picture("a.jpg", [rect(points(2))], 1)] * 4
    table = read(write(tmp_path, release(pictures, [1] * 4, [[1]] * 4, acts)))
    assert table.columns["activity"].space.classes == (
        "land: hunting (2)",
        "land: hunting (3)",
        "sea: hunting",
    )


@pytest.mark.parametrize(
    "bad",
    [
        points(2, v1="x"),
        points(17),
        np.concatenate([points(1), points(1)], axis=1),
        points(2, x=np.nan),
        points(1, y=EMPTY),
    ],
)
def test_people_whose_records_contradict_themselves_are_counted(tmp_path, bad):
    content = release([picture("a.jpg", [rect(bad), rect(points(4))], 1)], [1], [[1]], [act()])
    with pytest.warns(UserWarning, match=r"1 people whose records .*\(first: .*annorect\(1\)\)"):
        assert len(read(write(tmp_path, content))) == 1


def test_a_file_without_anyone(tmp_path):
    content = release([picture("a.jpg", [rect()], 1)], [1], [[1]], [act()])
    with pytest.raises(ValueError, match=r"none \(left out: 1 people of training pictures without"):
        read(write(tmp_path, content))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"img_train": np.array([[1, 0]])}, "RELEASE.img_train with an element for each of 4"),
        ({"annolist": EMPTY}, "pictures in RELEASE.annolist, found none"),
        ({"single_person": np.zeros((1, 3), object)}, "RELEASE.single_person"),
    ],
)
def test_parts_of_other_length(tmp_path, change, words):
    content = {"RELEASE": WHOLE["RELEASE"].copy()}
    for name, value in change.items():
        content["RELEASE"][0, 0][name] = value
    with pytest.raises(ValueError, match=re.escape(words)):
        read(write(tmp_path, content))


def test_another_mat_file(tmp_path):
    with pytest.raises(ValueError, match="expected a struct 'RELEASE', found none"):
        read(write(tmp_path, {"other": np.zeros(3)}))


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_damaged_files_are_named(tmp_path, data):
    file = tmp_path / RELEASE
    savemat(file, WHOLE)
    file.write_bytes(data.draw(cut(file.read_bytes())))
    try:
        pictures = read_pictures(file)
    except ValueError as error:
        assert str(file) in str(error)  # noqa: PT017
        return
    assert all(isinstance(picture.name, str) for picture in pictures)


def test_a_batch_and_its_pckh(official):
    table = read(official)
    tasks = build_tasks(resolve_tasks({"pose2d": Pose2DConfig()}, [table]))
    spec = InputSpec(size=32, frames=1)
    task = tasks["pose2d"]
    batch = make_batch(table, [0, 1, 3, 4], spec, [task.target_spec(table)], augment=None)
    target = batch.targets["pose2d"]
    assert target.present.tolist() == [True, True, True, False]
    labeled = batch.context.select(target.present)
    results = task.collect(
        target.select(target.present).value, target.select(target.present), labeled
    )
    np.testing.assert_allclose(results.scale["head"][:2], 30)
    assert task.metrics["pckh"].function(results) == 1
