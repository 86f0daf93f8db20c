"""Files of COCO's form: real ones of four sets, and files written here."""

import json
import warnings

import numpy as np
import pytest
from damage import damaged
from hypothesis import HealthCheck, given, settings
from PIL import Image

from onebody.data import InputSpec, make_batch
from onebody.data.sources import read_array
from onebody.datasets.coco_keypoints import CocoKeypointsConfig, read_coco_keypoints
from onebody.skeletons import SKELETONS

NAMES = [
    joint.replace("l_", "left_").replace("r_", "right_") if joint[1] == "_" else joint
    for joint in SKELETONS["coco-17"].joints
]
POSE = [value for k in range(17) for value in (10 + k, 20 + k, (0, 1, 2)[k % 3])]


def image(number, **given):
    return {"id": number, "file_name": f"{number}.jpg", "width": 80, "height": 60, **given}


def annotation(number, image_id=1, **given):
    made = {"id": number, "image_id": image_id, "category_id": 1, "keypoints": POSE}
    return {**made, "bbox": [5.0, 6.0, 40.0, 50.0], "iscrowd": 0, **given}


def content(annotations, images=None, names=NAMES):
    categories = [{"id": 1, "name": "person", "keypoints": names}]
    return {"images": images or [image(1)], "annotations": annotations, "categories": categories}


def write(folder, part="train2017", pictures=(1, 2), **files):
    (folder / "annotations").mkdir(exist_ok=True)
    (folder / part).mkdir(exist_ok=True)
    for number in pictures:
        Image.new("RGB", (80, 60)).save(folder / part / f"{number}.jpg")
    for name, made in files.items():
        file = folder / "annotations" / f"person_keypoints_{name}.json"
        file.write_text(json.dumps(made))
    return folder


def read(folder, **given):
    return read_coco_keypoints(CocoKeypointsConfig(folder=folder, **given))


def joints_of(table, row):
    return read_array(str(table.columns["pose2d"].sources[row]))[0]


def test_a_row_per_person(tmp_path):
    made = content([annotation(7), annotation(8, 2)], [image(1), image(2)])
    folder = write(tmp_path, train2017=made, val2017=content([annotation(9)]))
    write(folder, "val2017", (1,))
    table = read(folder)
    assert table.row_names.tolist() == [
        "person_keypoints_train2017.json:7",
        "person_keypoints_train2017.json:8",
        "person_keypoints_val2017.json:9",
    ]
    assert table.split.tolist() == ["train", "train", "validation"]
    assert [s.split("/")[-2:] for s in table.media["rgb"].tolist()] == [
        ["train2017", "1.jpg"],
        ["train2017", "2.jpg"],
        ["val2017", "1.jpg"],
    ]
    joints = joints_of(table, 0)
    assert np.isnan(joints[0]).all()
    np.testing.assert_allclose(joints[1:3], [[11.5, 21.5, 0], [12.5, 22.5, 1]])
    np.testing.assert_allclose(table.box[0], [5, 6, 45, 56])
    batch = make_batch(table, [0, 2], InputSpec(size=16, frames=1), [], augment=None)
    assert batch.inputs["rgb"].shape == (2, 3, 1, 16, 16)


def test_who_makes_no_row_is_counted(tmp_path):
    others = [
        annotation(1, iscrowd=1),
        annotation(2, keypoints=[0] * 51),
        annotation(3, keypoints=None),
        annotation(4, bbox=[1.0, 2.0, 0.0, 9.0]),
        annotation(5, bbox=None),
        annotation(6, category_id=18),
        annotation(7),
    ]
    folder = write(tmp_path, train2017=content(others))
    with pytest.warns(UserWarning, match="left out") as caught:
        assert len(read(folder)) == 1
    text = str(caught[0].message)
    for part in (
        "1 annotations of crowds",
        "2 annotations without",
        "2 people without a box",
        "1 annotations of other",
    ):
        assert part in text
    with pytest.raises(ValueError, match=r"none that can be used \(1 annotations of crowds\)"):
        read(write(tmp_path, train2017=content(others[:1])))


def test_a_file_without_the_word_hidden(tmp_path):
    pose = [value for k in range(17) for value in (k + 1, k + 1, k % 2)]
    table = read(write(tmp_path, train2017=content([annotation(1, keypoints=pose)])))
    assert joints_of(table, 0)[1::2, 2].tolist() == [1] * 8
    assert np.isnan(joints_of(table, 0)[::2]).all()


def test_videos_are_groups_and_heads_are_taken(tmp_path):
    images = [image(1, vid_id="v1"), image(2, vid_id="v1"), image(3)]
    people = [annotation(k, k, bbox_head=[1, 2, 30, 40]) for k in (1, 2, 3)]
    table = read(write(tmp_path, pictures=(1, 2, 3), train2017=content(people, images)))
    assert table.group.tolist() == ["v1", "v1", "3.jpg"]
    assert table.source.tolist() == ["v1", "v1", ""]
    np.testing.assert_allclose(table.head_px, 30)


def test_jhmdb_counts_from_one(tmp_path):
    pose = [value for k in range(15) for value in (10.0 + k, 20.0, 2.0)]
    made = content([annotation(1, keypoints=pose)], names=list(SKELETONS["jhmdb-15"].joints))
    folder = write(tmp_path, train2017=made)
    table = read(folder)
    np.testing.assert_allclose(joints_of(table, 0)[0], [9.5, 19.5, 1])
    np.testing.assert_allclose(table.box[0], [4, 5, 44, 55])
    zero = read(folder, first_pixel=0)
    np.testing.assert_allclose(joints_of(zero, 0)[0], [10.5, 20.5, 1])


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (content([annotation(1, image_id=9)]), "annotation 0: expected the 'image_id' of a listed"),
        (content([annotation(1, keypoints=[1, 2, 2])]), "51 finite numbers as 'keypoints'"),
        (content([annotation(1, keypoints=[1, 2, 0.5] * 17)]), "visibilities 0, 1 or 2"),
        (content([annotation(1, bbox=[1, 2])]), "4 finite numbers as 'bbox'"),
        (content([annotation(1)], [image(1), image(1)]), "picture 1: expected an id of its own"),
        (content([annotation(1)], [{"id": 1}]), "a record with 'file_name'"),
        (content([annotation(1), annotation(1)]), "annotation 1: expected an 'id' of its own"),
        ([annotation(1)], "lists 'images' and 'annotations', found list"),
    ],
)
def test_what_is_none(tmp_path, made, words):
    with pytest.raises(ValueError, match="person_keypoints_train2017") as caught:
        read(write(tmp_path, train2017=made))
    assert words in str(caught.value)


def test_files_that_do_not_go_together(tmp_path):
    folder = write(tmp_path, train2017=content([annotation(1)]), val2017=content([annotation(1)]))
    with pytest.raises(ValueError, match="expected other people"):
        read(folder)
    pose = [5, 5, 2] * 15
    other = content([annotation(2, keypoints=pose)], names=list(SKELETONS["jhmdb-15"].joints))
    write(folder, val2017=other)
    with pytest.raises(ValueError, match="files of one joint layout"):
        read(folder)
    with pytest.raises(ValueError, match="no COCO keypoints here"):
        read(tmp_path / "annotations")


def test_pictures_that_appear_later(tmp_path):
    folder = write(tmp_path, "elsewhere", train2017=content([annotation(1)]))
    with pytest.raises(ValueError, match=r"expected the picture .*1\.jpg, found none"):
        read(folder)
    (folder / "elsewhere").rename(folder / "images")
    assert len(read(folder)) == 1
    (folder / "images").rename(folder / "far")
    assert len(read(folder, images=folder / "far")) == 1


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(made=damaged(content([annotation(1), annotation(2, bbox_head=[1, 2, 3, 4])])))
def test_damaged_files_are_named(tmp_path_factory, tmp_path, made):
    folder = write(tmp_path, train2017=made)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # people may be left out
            table = read(folder, missing="drop", prepared=tmp_path_factory.mktemp("kept"))
    except ValueError as error:
        assert "person_keypoints_train2017.json" in str(error)  # noqa: PT017
        return
    assert np.isfinite(table.box).all()
    assert np.isfinite(joints_of(table, 0)).all(1).any()


@pytest.fixture
def mmpose(shared):
    return shared / "data" / "formats" / "mmpose"


def test_real_coco(mmpose, tmp_path):
    folder = mmpose / "coco"
    with pytest.warns(UserWarning, match="2 annotations without an annotated joint"):
        table = read(folder, annotations=(folder / "test_coco.json",), prepared=tmp_path)
    assert len(table) == 12
    assert table.columns["pose2d"].skeleton == "coco-17"
    np.testing.assert_allclose(joints_of(table, 0)[0], [367.5, 81.5, 1])
    batch = make_batch(table, np.arange(12), InputSpec(size=32, frames=1), [], augment=None)
    assert batch.inputs["rgb"].shape == (12, 3, 1, 32, 32)


def test_real_jhmdb(mmpose, tmp_path):
    folder = mmpose / "jhmdb"
    with pytest.warns(UserWarning, match="2 of 3 pictures are missing"):
        table = read(
            folder,
            annotations=(folder / "test_jhmdb_sub1.json",),
            prepared=tmp_path,
            missing="drop",
        )
    assert table.columns["pose2d"].skeleton == "jhmdb-15"
    assert table.group.tolist() == ["00228"]
    np.testing.assert_allclose(joints_of(table, 0)[0], [98.351746, 92.09851, 1], rtol=1e-6)


def test_real_posetrack(mmpose, tmp_path):
    """Its pictures are not there: a stand-in of their size takes the place of the first."""
    file = mmpose / "posetrack18" / "annotations" / "test_posetrack18_val.json"
    name = json.loads(file.read_text())["images"][0]["file_name"]
    (tmp_path / name).parent.mkdir(parents=True)
    Image.new("RGB", (1920, 1080)).save(tmp_path / name)
    with pytest.warns(UserWarning, match="left out"):
        table = read(tmp_path, annotations=(file,), missing="drop")
    assert table.columns["pose2d"].skeleton == "posetrack-17"
    assert set(table.group.tolist()) == {"012834"}
    joints = joints_of(table, 0)
    np.testing.assert_allclose(joints[0], [401.5, 530.5, 1])
    assert np.isnan(joints[3]).all()
    assert table.head_px[0] == pytest.approx(0.6 * np.hypot(44, 53))


def test_real_names_that_are_wrong(mmpose, tmp_path):
    """This file calls its right hip left, and the other way round."""
    file = mmpose / "h36m" / "h36m_coco.json"
    with pytest.raises(ValueError, match="expected 'r_hip' as joint 1, as h36m-17 has it"):
        read(mmpose / "h36m", annotations=(file,), prepared=tmp_path)
