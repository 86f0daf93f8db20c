"""Every defect of every record is listed, and none of a sound manifest."""

from __future__ import annotations

import json
import shutil
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from onebody.datasets.check import check_manifest

X264 = {"preset": "ultrafast", "bf": "2", "g": "12"}
SIDECAR = """
labels:
  action: {classes: [walk, run]}
  pose: {skeleton: coco-17, unit: px}
  body: {skeleton: coco-17, unit: mm}
"""


@pytest.fixture
def folder(tmp_path, make_video):
    make_video(tmp_path / "a.mp4", 50, options=X264)
    make_video(tmp_path / "b.avi", 25, codec="mpeg4")
    return tmp_path


def _pose(frames=50, scale=(64, 48), dims=2):
    joints = np.ones((frames, 17, dims + 1), np.float32)
    joints[..., :2] = np.random.default_rng(0).random((frames, 17, 2)) * scale
    if dims == 3:
        joints[..., 2] = 2500
    return joints


def _check(folder, rows, header="media,start,end,subject,group,split,action,pose,body", **how):
    (folder / "m.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return check_manifest(folder / "m.csv", **how)


def _texts(defects):
    return [f"{d.record} {d.field}: {d.expected} / {d.found}" for d in defects]


def test_a_sound_manifest_has_no_defects(folder):
    np.savez(folder / "j.npz", a=_pose(), b=_pose(10), m=_pose(25, (500, 500), 3))
    (folder / "m.yaml").write_text(SIDECAR)
    rows = [
        "a.mp4,,,s1,g1,train,walk,j.npz#a,",
        "a.mp4,0.4,0.8,s1,g1,train,walk,j.npz#b,",
        "b.avi,,,s2,g2,test,run,,j.npz#m",
        "b.avi,0,0.5,s2,g2,test,run,,",
    ]
    for deep in (False, True):
        report = _check(folder, rows, deep=deep)
        assert report.defects == []
        assert (report.rows, report.usable) == (4, 4)
        assert report.frames == 50 + 10 + 25 + 12
        assert report.media == {"rgb": 4}
        assert report.labels == {"action": 4, "pose": 2, "body": 1}
        assert json.loads(json.dumps(report.to_json()))["defects"] == []


def test_every_broken_file_is_named(folder, make_video):
    whole = (folder / "a.mp4").read_bytes()
    avi = make_video(folder / "c.avi", 25, codec="mjpeg").read_bytes()
    (folder / "half.mp4").write_bytes(whole[: len(whole) // 2])
    (folder / "half.avi").write_bytes(avi[: len(avi) * 4 // 5])
    (folder / "empty.mp4").touch()
    (folder / "text.mp4").write_text("no video")
    (folder / "nothing").mkdir()
    names = ["half.mp4", "half.avi", "empty.mp4", "text.mp4", "nothing", "gone.mp4", "a.mp4"]
    report = _check(folder, names, header="media")
    assert [d.record for d in report.errors] == [2, 3, 4, 5, 6, 7]
    for name, defect in zip(names, report.errors, strict=False):
        assert defect.field == "media"
        assert str(folder / name) in str(defect)
    assert "25 frames, as its header says" in str(report.errors[1])
    assert "an empty file" in str(report.errors[2])
    assert "Correct the path" in str(report.errors[5])
    assert report.usable == 1


def test_spans_outside_the_media(folder):
    rows = ["a.mp4,3,4", "a.mp4,1,9", "a.mp4,1,2.02", "a.mp4,2,1", "b.avi,,0.01"]
    report = _check(folder, rows, header="media,start,end")
    assert [(d.record, d.field) for d in report.errors] == [
        (2, "start"),
        (3, "end"),
        (5, "end"),
        (6, "end"),
    ]
    assert "none in 2.000 s" in str(report.errors[0])
    assert "an end within the 2.000 s" in str(report.errors[1])


def test_form_faults_do_not_stop_the_reading(folder):
    rows = ["a.mp4,walk,x", '"a.mp4"b,walk', "gone.mp4,walk", "a.mp4,walk", ",run", "b.avi,walk"]
    report = _check(folder, rows, header="media,action")
    assert [d.record for d in report.errors] == [2, 3, 4, 6]
    assert (report.rows, report.usable) == (6, 2)


JOINTS = {
    "short": (_pose(49), "float [50 frames, 17 joints of coco-17, 3]"),
    "layout": (_pose()[:, :16], "float [50 frames, 17 joints of coco-17, 3]"),
    "flat": (_pose()[0], "float [50 frames, 17 joints of coco-17, 3]"),
    "whole": (_pose().astype(int), "int64"),
    "lost": (np.where(np.arange(3) < 2, np.nan, _pose()), "finite coordinates / none in frame 0"),
    "odd": (np.where(np.arange(3) < 2, _pose(), 2), "a visibility of 0, 1 or NaN / 2 in frame 0"),
    "far": (_pose(scale=(640, 480)), "joints in or near a picture of 64 x 48 px"),
    "fractions": (_pose(scale=(1, 1)), "pixels / at most"),
    "nobody": (np.full((50, 17, 3), np.nan, np.float32), "annotated joints / none"),
}


@pytest.mark.parametrize("name", JOINTS)
def test_joints_in_pixels(folder, name):
    joints, words = JOINTS[name]
    np.savez(folder / "j.npz", j=joints)
    (folder / "m.yaml").write_text("labels: {pose: {skeleton: coco-17, unit: px}}")
    report = _check(folder, ["a.mp4,j.npz#j"], header="media,pose")
    assert len(report.defects) == 1
    assert words in _texts(report.defects)[0]
    assert report.defects[0].warning == (name in ("fractions", "nobody"))


@pytest.mark.parametrize(
    ("joints", "words"),
    [
        (_pose(dims=3) / 1000, "millimeters / at most 2.5"),
        (_pose(dims=3) * 1000, "joints within 20000 mm"),
        (_pose(), "float [50 frames, 17 joints of coco-17, 4]"),
    ],
)
def test_joints_in_millimeters(folder, joints, words):
    np.savez(folder / "j.npz", j=joints.astype(np.float32))
    (folder / "m.yaml").write_text("labels: {body: {skeleton: coco-17, unit: mm}}")
    joints[..., -1] = 1
    np.savez(folder / "j.npz", j=joints.astype(np.float32))
    report = _check(folder, ["a.mp4,j.npz#j"], header="media,body")
    assert words in _texts(report.defects)[0]


def test_joints_that_cannot_be_read(folder):
    np.savez(folder / "o.npz", o=np.array([{}], dtype=object))
    (folder / "m.yaml").write_text("labels: {pose: {skeleton: coco-17, unit: px}}")
    rows = ["a.mp4,gone.npz#j", "a.mp4,o.npz#o", "b.avi,o.npz#x", "b.avi,j.mat"]
    report = _check(folder, rows, header="media,pose")
    found = [d for d in report.errors if d.field == "pose"]
    assert [d.record for d in found] == [2, 3, 4, 5]
    assert "Python objects" in str(found[1])


def test_sensor_arrays(folder):
    good = np.zeros((20, 3, 6))
    np.savez(folder / "i.npz", good=good, flat=good[0], inf=good + np.inf, text=good.astype(str))
    rows = [f"i.npz#{key}" for key in ("good", "flat", "inf", "text", "none")]
    report = _check(folder, rows, header="imu")
    assert [(d.record, d.field) for d in report.errors] == [(r, "imu") for r in (3, 4, 5, 6)]


def test_skeleton_arrays_have_the_joints_of_their_layout(folder):
    (folder / "m.yaml").write_text("layouts: {skeleton: coco-17}")
    np.savez(folder / "s.npz", good=np.zeros((20, 17, 3)), few=np.zeros((20, 16, 3)))
    report = _check(folder, ["s.npz#good", "s.npz#few"], header="skeleton")
    (defect,) = report.errors
    assert (defect.record, defect.field) == (3, "skeleton")
    assert "17 joints of coco-17" in str(defect)
    assert "[20, 16, 3]" in str(defect)


def test_repeats(folder):
    rows = ["a.mp4,,1,walk", "a.mp4,1,2,walk", "a.mp4,,1,walk", "a.mp4,1,2,run", "b.avi,,,run"]
    report = _check(folder, rows, header="media,start,end,action")
    assert [(d.record, d.warning) for d in report.defects] == [(4, False), (5, True)]
    assert "the same sample as line 2" in str(report.defects[0])
    assert "line 3 with other labels" in str(report.defects[1])


def test_boxes_beside_the_picture(folder):
    rows = ["a.mp4,-5,-5,9,9", "a.mp4,64,0,80,9", "a.mp4,0,-9,9,0"]
    report = _check(folder, rows, header="media,box_x0,box_y0,box_x1,box_y1")
    assert [(d.record, d.field) for d in report.errors] == [(3, "box_x0"), (4, "box_x0")]
    assert "a box that meets the picture of 64 x 48 px, found (64, 0) to (80, 9)" in str(
        report.errors[0]
    )


def test_two_people_of_a_picture_are_no_repeat(folder):
    rows = ["a.mp4,0,0,9,9,walk", "a.mp4,9,0,18,9,run", "a.mp4,0,0,9,9,walk"]
    report = _check(folder, rows, header="media,box_x0,box_y0,box_x1,box_y1,action")
    assert [(d.record, d.warning) for d in report.defects if "once" in str(d)] == [(4, False)]


def test_groups_and_subjects_on_both_sides(folder):
    shutil.copy(folder / "a.mp4", folder / "c.mp4")
    rows = [
        "a.mp4,,1,s1,g1,train",
        "a.mp4,1,2,s1,g1,test",
        "b.avi,,,s1,g1,test",
        "c.mp4,,,s2,g2,test",
        "c.mp4,1,2,s2,g2,",
    ]
    report = _check(folder, rows, header="media,start,end,subject,group,split")
    assert [(d.record, d.field, d.warning) for d in report.defects] == [
        (3, "group", True),
        (3, "subject", True),
    ]
    assert "'g1' in 'train' (line 2) and in 'test'" in str(report.defects[0])
    assert report.usable == 5


def test_rare_classes(folder):
    (folder / "m.yaml").write_text("labels: {action: {classes: [walk, run, jump]}}")
    rows = ["a.mp4,,1,walk", "a.mp4,1,2,walk", "b.avi,,,run"]
    report = _check(folder, rows, header="media,start,end,action")
    assert _texts(report.warnings) == [
        "4 action: two samples or more of a class / 1 of 'run'",
        "0 action: two samples or more of a class / 0 of 'jump'",
    ]


def test_a_sidecar_that_cannot_be_read_is_the_one_defect(folder):
    (folder / "m.yaml").write_text("labels: {action: {clases: []}}")
    report = _check(folder, ["a.mp4,walk"], header="media,action")
    assert len(report.defects) == 1
    assert "Did you mean 'classes'?" in str(report.defects[0])
    assert report.defects[0].file.endswith("m.yaml")


@pytest.mark.parametrize("content", ["", "media,action\n", "media;action\n"])
def test_empty_manifests(folder, content):
    (folder / "m.csv").write_text(content)
    report = check_manifest(folder / "m.csv")
    assert len(report.errors) == 1
    assert check_manifest(folder / "gone.csv").errors[0].found == "No such file or directory"


def test_deep_lists_damaged_frames_once_per_row(folder):
    data = bytearray((folder / "a.mp4").read_bytes())
    at = data.index(b"mdat") + (len(data) - data.index(b"mdat")) // 3
    data[at : at + 300] = np.random.default_rng(0).integers(0, 256, 300, np.uint8).tobytes()
    (folder / "a.mp4").write_bytes(bytes(data))
    rows = ["a.mp4,,1", "a.mp4,1,2", "b.avi,,"]
    assert _check(folder, rows, header="media,start,end").errors == []
    report = _check(folder, rows, header="media,start,end", deep=True)
    assert {d.record for d in report.errors} == {2, 3}
    assert all(d.expected == "undamaged frames" for d in report.errors)
    assert "frames " in report.errors[0].found


def test_truncated_and_empty_recordings(tmp_path, shared):
    """Every recording that is cut short or emptied is reported by its name."""
    names = []
    for suffix in ("mp4", "avi"):
        path = shared / "data" / "formats" / "mmaction2" / f"test.{suffix}"
        if not path.exists():
            pytest.skip(f"no recording {path.name} in the folder 'shared'")
        data = path.read_bytes()
        for share in (0, 0.05, 0.3, 0.6, 0.95):
            names.append(f"cut {share}.{suffix}")
            (tmp_path / names[-1]).write_bytes(data[: int(len(data) * share)])
    report = _check(tmp_path, names, header="media")
    assert [d.record for d in report.errors] == list(range(2, 2 + len(names)))
    for name, defect in zip(names, report.errors, strict=True):
        assert name in str(defect)


def test_memory_does_not_grow_with_long_rows(folder):
    """Rows are streamed: what is kept of one is far less than the row."""
    note = "x" * 2000
    count = 1500
    lines = [f"a.mp4,{i / 1000},{i / 1000 + 0.5},{note}{i % 2}" for i in range(count)]
    (folder / "m.csv").write_text("\n".join(["media,start,end,subject", *lines]))
    check_manifest(folder / "m.csv")
    tracemalloc.start()
    report = check_manifest(folder / "m.csv")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert report.rows == count
    assert report.errors == []
    assert peak < count * 1000 < sum(map(sys.getsizeof, lines))


def test_a_manifest_without_rows_is_an_error_whatever_the_sidecar_says(folder):
    (folder / "m.yaml").write_text("labels: {action: {classes: [walk, run]}}")
    report = _check(folder, [], header="media,action")
    assert _texts(report.errors) == ["0 : rows / none"]
    assert len(report.warnings) == 2


def test_a_folder_is_no_manifest(folder, monkeypatch):
    monkeypatch.chdir(folder)
    (defect,) = check_manifest(Path(".")).errors
    assert defect.expected == "a readable CSV or JSONL file"


def test_a_faulty_sidecar_is_named_once(folder):
    (folder / "m.yaml").write_text("labels: {action: {clases: [walk, run]}}")
    (defect,) = _check(folder, ["a.mp4,walk"], header="media,action").errors
    assert str(defect).count("m.yaml") == 1
    assert "Did you mean 'classes'? See docs" in str(defect)


def test_a_span_without_an_end_is_said_in_words(folder):
    (defect,) = _check(folder, ["a.mp4,10,walk"], header="media,start,action").errors
    assert defect.expected == "frames between 10 s and the end"
