"""A manifest becomes a table; what is wrong with a row is said once and clearly."""

from __future__ import annotations

import numpy as np
import pytest

from onebody.config import build
from onebody.data import ClassColumn, JointsColumn, make_table
from onebody.datasets import DATASETS
from onebody.datasets.defects import ManifestError
from onebody.datasets.own import OwnConfig, build_own
from onebody.datasets.table_rows import TableReader
from onebody.datasets.write import write_manifest
from onebody.labels import UNLABELED, LabelSpace

SIDECAR = """
name: gym
labels:
  action:
    classes: [walk, wave left, wave right]
    mirror: {walk: walk, wave left: wave right, wave right: wave left}
  pose:
    skeleton: coco-17
    unit: px
"""
HEADER = (
    "media,depth,start,end,subject,camera,source,group,split,"
    "fps,fx,fy,cx,cy,depth_ref_mm,action,pose\n"
)
MANIFEST = f"""{HEADER}\
clips/a b.mp4,,0.5,2,s1,c1,gym,day 1,train,,500,500,160,120,2500,wave left,j.npz#a
ü/frames/,d.npy#0:50,,,s2,,,,test,25,,,,,,,
c.zip!x.mp4,,,3,,,,,,,,,,,,walk,
"""


def _load(folder, manifest, sidecar="", name="clips.csv"):
    (folder / name).write_text(manifest, encoding="utf-8")
    if sidecar:
        (folder / "clips.yaml").write_text(sidecar, encoding="utf-8")
    return build_own(OwnConfig(manifest=folder / name))


def _fault(folder, manifest, sidecar="", name="clips.csv"):
    with pytest.raises(ManifestError) as error:
        _load(folder, manifest, sidecar, name)
    assert str(error.value) == str(error.value.defect)
    return error.value.defect


def test_a_full_manifest(tmp_path):
    table = _load(tmp_path, MANIFEST, SIDECAR)
    assert table.name == "gym"
    assert table.media["rgb"].tolist() == [
        str(tmp_path / "clips" / "a b.mp4"),
        f"{tmp_path}/ü/frames/",
        f"{tmp_path}/c.zip!x.mp4",
    ]
    assert table.media["depth"].tolist() == ["", f"{tmp_path}/d.npy#0:50", ""]
    np.testing.assert_array_equal(table.start_s, [0.5, np.nan, np.nan])
    np.testing.assert_array_equal(table.end_s, [2, np.nan, 3])
    np.testing.assert_array_equal(table.fps, [np.nan, 25, np.nan])
    np.testing.assert_array_equal(table.camera_matrix[0], [500, 500, 160, 120])
    assert np.isnan(table.camera_matrix[1:]).all()
    np.testing.assert_array_equal(table.depth_ref_mm, [2500, np.nan, np.nan])
    assert table.subject.tolist() == ["s1", "s2", ""]
    assert table.split.tolist() == ["train", "test", ""]
    assert table.group.tolist() == ["day 1", "", ""]
    assert table.row_names.tolist() == ["clips.csv:2", "clips.csv:3", "clips.csv:4"]
    action = table.columns["action"]
    assert isinstance(action, ClassColumn)
    assert action.values.tolist() == [1, UNLABELED, 0]
    assert action.space.classes == ("walk", "wave left", "wave right")
    assert action.space.mirror_table().tolist() == [0, 2, 1]
    pose = table.columns["pose"]
    assert isinstance(pose, JointsColumn)
    assert (pose.skeleton, pose.unit) == ("coco-17", "px")
    assert pose.sources.tolist() == [f"{tmp_path}/j.npz#a", "", ""]


def test_without_a_sidecar_classes_are_those_that_occur(tmp_path):
    table = _load(tmp_path, "media,action,grade\na.mp4,walk,10\nb.mp4,run,9\nc.mp4,,9\n")
    assert table.name == "clips"
    assert table.columns["action"].space.classes == ("run", "walk")
    assert table.columns["action"].values.tolist() == [1, 0, UNLABELED]
    assert table.columns["grade"].space.classes == ("9", "10")
    with pytest.raises(ValueError, match="does not say what a mirror makes"):
        table.columns["action"].space.mirror_table()


def test_the_order_of_rows_does_not_change_the_classes(tmp_path):
    one = _load(tmp_path, "media,action\na.mp4,walk\nb.mp4,run\n")
    two = _load(tmp_path, "media,action\nb.mp4,run\na.mp4,walk\n")
    assert one.columns["action"].space == two.columns["action"].space


def test_json_lines_may_name_any_subset(tmp_path):
    lines = '{"rgb": "a.mp4", "action": "walk"}\n{"imu": "i.npz#x", "start": 1, "gesture": 2}\n'
    table = _load(tmp_path, lines, name="clips.jsonl")
    assert table.media["rgb"].tolist() == [f"{tmp_path}/a.mp4", ""]
    assert table.media["imu"].tolist() == ["", f"{tmp_path}/i.npz#x"]
    assert table.columns["action"].values.tolist() == [0, UNLABELED]
    assert table.columns["gesture"].values.tolist() == [UNLABELED, 0]
    np.testing.assert_array_equal(table.start_s, [np.nan, 1])


def test_views_and_absolute_paths(tmp_path):
    table = _load(tmp_path, "rgb,rgb/2\n/else/a.mp4,b.mp4\n")
    assert table.media["rgb"].tolist() == ["/else/a.mp4"]
    assert table.media["rgb/2"].tolist() == [f"{tmp_path}/b.mp4"]


def test_mirror_same(tmp_path):
    sidecar = "labels: {action: {mirror: same}}"
    table = _load(tmp_path, "media,action\na.mp4,walk\nb.mp4,run\n", sidecar)
    assert table.columns["action"].space.mirror_table().tolist() == [0, 1]


def test_registry_and_names(tmp_path):
    (tmp_path / "clips.csv").write_text("media,action\na.mp4,walk\n")
    config = DATASETS["own"].config.model_validate(
        {"manifest": str(tmp_path / "clips.csv"), "name": "mine"}
    )
    table = build(DATASETS, config, "dataset")
    assert table.name == "mine"
    assert table.columns["action"].space.name == "mine.action"


@pytest.mark.parametrize(
    ("row", "field", "words"),
    [
        ("a.mp4,x,,,walk,", "start", "a number from 0 on, found 'x'"),
        ("a.mp4,-1,,,walk,", "start", "found '-1'"),
        ("a.mp4,nan,,,walk,", "start", "found 'nan'"),
        ("a.mp4,2,1,,walk,", "end", "an end after 2 s, found 1 s"),
        ("a.mp4,1,1,,walk,", "end", "an end after 1 s"),
        ("a.mp4,,0,,walk,", "end", "an end after 0 s"),
        ("a.mp4,,,0,walk,", "fps", "a number above 0"),
        (",,,,walk,", "", "expected media, found none"),
        ("a.mp4,,,,wlak,", "action", "found 'wlak'. Did you mean 'walk'?"),
        ("a.mp4,,,,Walk,", "action", "Did you mean 'walk'?"),
        ("a.mp4,,,,walk,j.mat", "pose", "joints in an array, found 'j.mat'"),
        (f"{'a' * 5000},,,,walk,", "media", "at most 4096 characters, found 5000"),
    ],
)
def test_faulty_rows(tmp_path, row, field, words):
    manifest = f"media,start,end,fps,action,pose\nok.mp4,,,,walk,\n\n{row}\n"
    defect = _fault(tmp_path, manifest, SIDECAR)
    assert (defect.record, defect.field) == (4, field)
    assert words in str(defect)
    assert str(defect).startswith(f"{tmp_path}/clips.csv:4:")


def test_half_a_camera(tmp_path):
    defect = _fault(tmp_path, "media,fx,fy,cx,cy\na.mp4,500,500,,\n")
    assert "all four of the camera, found fx, fy" in str(defect)


def test_boxes_of_people(tmp_path):
    text = "media,box_x0,box_y0,box_x1,box_y1,head_px\na.jpg,-3,4.5,20,30,12\nb.jpg,,,,,\n"
    table = _load(tmp_path, text)
    np.testing.assert_array_equal(table.box, [[-3, 4.5, 20, 30], [np.nan] * 4])
    np.testing.assert_array_equal(table.head_px, [12, np.nan])
    write_manifest(table, tmp_path / "again.csv")
    again = build_own(OwnConfig(manifest=tmp_path / "again.csv"))
    np.testing.assert_array_equal(again.box, table.box)
    np.testing.assert_array_equal(again.head_px, table.head_px)
    row = next(iter(TableReader(table).read()))
    assert (row.numbers["box_x1"], row.numbers["head_px"]) == (20, 12)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ("1,2,,,", "all four of the box, found box_x0, box_y0"),
        ("1,2,1,9,", "column 'box_x1': expected more than 1, where the box begins, found 1"),
        ("1,2,5,0,", "column 'box_y1'"),
        ("1,2,5,6,0", "column 'head_px': expected a number above 0"),
    ],
)
def test_boxes_that_are_none(tmp_path, values, words):
    header = "media,box_x0,box_y0,box_x1,box_y1,head_px"
    assert words in str(_fault(tmp_path, f"{header}\na.jpg,{values}\n"))


@pytest.mark.parametrize(
    ("header", "sidecar", "words"),
    [
        ("media,subjct", "", "'subject', it seems"),
        ("media,Start", "", "'start', it seems"),
        ("media,rgb", "", "'rgb' beside 'media'"),
        ("media,joints2d", "", "a stated joint layout"),
        ("media,action,pose,gestrue", SIDECAR, "a known column, found 'gestrue'"),
        ("media,action", SIDECAR, "the column that the sidecar states"),
    ],
)
def test_faulty_headers(tmp_path, header, sidecar, words):
    values = ",".join(["a.mp4", *[""] * header.count(",")])
    assert words in str(_fault(tmp_path, f"{header}\n{values}\n", sidecar))


def test_a_manifest_without_rows(tmp_path):
    assert "expected rows, found none" in str(_fault(tmp_path, "media,action\n"))
    with_classes = "labels: {action: {classes: [walk, run]}}"
    assert "expected rows, found none" in str(_fault(tmp_path, "media,action\n", with_classes))


@pytest.mark.parametrize(
    ("sidecar", "words"),
    [
        ("labels: [", "clips.yaml:1: expected YAML"),
        ("- a", "expected 'name' and 'labels', found list"),
        ("labels: {action: {clases: [a]}}", "unknown key 'clases'. Did you mean 'classes'?"),
        ("labels: {action: {classes: [a, a]}}", "names classes twice: a"),
        ("labels: {action: {classes: [yes, no]}}", "put it in quotes"),
        ("labels: {action: {classes: [a, b], mirror: {a: c, b: b}}}", "the mirror names 'c'"),
        ("labels: {action: {classes: [a, b], mirror: {a: a}}}", "the mirror leaves out b"),
        ("labels: {action: {skeleton: coco17, unit: px}}", "Did you mean 'coco-17'?"),
        ("labels: {action: {skeleton: coco-17}}", "needs a 'unit'"),
        ("labels: {action: {skeleton: coco-17, unit: cm}}", "'px' or 'mm'"),
        ("labels: {action: {unit: px}}", "state their 'skeleton'"),
        ("labels: {action: {skeleton: coco-17, unit: px, classes: [a]}}", "no 'classes'"),
        ("labels: {action: {}, action: {}}", "the key 'action' twice"),
        ("layouts: {skeleton: coco17}", "Did you mean 'coco-17'?"),
        ("layouts: {rgb: coco-17}", "'layouts' is for skeleton media, not for 'rgb'"),
    ],
)
def test_faulty_sidecars(tmp_path, sidecar, words):
    with pytest.raises(ValueError, match=r"clips\.yaml") as error:
        _load(tmp_path, "media,action\na.mp4,walk\n", sidecar)
    assert words in str(error.value)


def test_a_mirror_that_does_not_fit_the_classes_found(tmp_path):
    sidecar = "labels: {action: {mirror: {walk: walk}}}"
    defect = _fault(tmp_path, "media,action\na.mp4,walk\nb.mp4,run\n", sidecar)
    assert "the mirror leaves out run" in str(defect)


def test_numbers_are_class_names(tmp_path):
    table = _load(tmp_path, "media,action\na.mp4,2\n", "labels: {action: {classes: [1, 2]}}")
    assert table.columns["action"].space.classes == ("1", "2")
    assert table.columns["action"].values.tolist() == [1]


# --- writing ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl"])
def test_written_tables_are_read_back(tmp_path, name):
    table = _load(tmp_path, MANIFEST, SIDECAR)
    write_manifest(table, tmp_path / name)
    again = build_own(OwnConfig(manifest=tmp_path / name))
    assert again.name == table.name
    for field in ("start_s", "end_s", "fps", "camera_matrix", "depth_ref_mm"):
        np.testing.assert_array_equal(getattr(again, field), getattr(table, field))
    for field in ("subject", "camera", "source", "group", "split"):
        assert getattr(again, field).tolist() == getattr(table, field).tolist()
    for modality in table.media:
        assert again.media[modality].tolist() == table.media[modality].tolist()
    assert again.columns["action"].space == table.columns["action"].space
    assert again.columns["action"].values.tolist() == table.columns["action"].values.tolist()
    assert again.columns["pose"].sources.tolist() == table.columns["pose"].sources.tolist()
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_skeleton_media_keep_their_layout(tmp_path):
    sidecar = "layouts: {skeleton: coco-17, skeleton/2: mpii-16}"
    table = _load(tmp_path, "skeleton,action\na.npy,walk\n", sidecar)
    assert table.layouts == {"skeleton": "coco-17"}  # there is no second view
    assert table.layout("skeleton") == "coco-17"
    write_manifest(table, tmp_path / "out.csv")
    assert build_own(OwnConfig(manifest=tmp_path / "out.csv")).layouts == table.layouts
    (tmp_path / "clips.yaml").unlink()
    unknown = _load(tmp_path, "skeleton,action\na.npy,walk\n")
    with pytest.raises(ValueError, match=r"State 'layouts: \{skeleton: NAME\}'"):
        unknown.layout("skeleton")


def test_awkward_texts_survive(tmp_path):
    classes = ('say "hi", then\nleave', "no", "1e3", "ünï;\tx", "null")
    column = ClassColumn(values=np.arange(5), space=LabelSpace("t.a", classes))
    files = [str(tmp_path / n) for n in ("a,b.mp4", '"q".mp4', "-x.mp4", "#1!.mp4", "é.mp4")]
    table = make_table("t", {"rgb": files}, columns={"a": column})
    write_manifest(table, tmp_path / "m.csv")
    again = build_own(OwnConfig(manifest=tmp_path / "m.csv"))
    assert again.columns["a"].space.classes == classes
    assert again.columns["a"].values.tolist() == [0, 1, 2, 3, 4]
    assert again.media["rgb"].tolist() == files


def test_what_cannot_be_written_is_refused(tmp_path):
    def table(media="rgb", column="a", name="x"):
        space = LabelSpace("t", (name,))
        labels = {column: ClassColumn(values=np.array([0]), space=space)}
        return make_table("t", {media: ["a.mp4"]}, columns=labels)

    with pytest.raises(ValueError, match="no modality 'sound'"):
        write_manifest(table(media="sound"), tmp_path / "m.csv")
    with pytest.raises(ValueError, match="'subject' means something else"):
        write_manifest(table(column="subject"), tmp_path / "m.csv")
    with pytest.raises(ValueError, match="without blanks around it, found ' x'"):
        write_manifest(table(name=" x"), tmp_path / "m.csv")
    assert not list(tmp_path.iterdir())
