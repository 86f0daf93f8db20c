"""NTU RGB+D: texts in the official layout become a prepared folder; protocols choose from it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ntu_texts import CENTER, FOCAL, body, write_missing, write_text

from onebody.config import Config
from onebody.data import InputSpec, make_batch
from onebody.data.sources import frame_span, probe, read_array
from onebody.data.store import load_table, save_table
from onebody.datasets import ntu
from onebody.datasets.ntu import NtuConfig, read_ntu
from onebody.evaluation import SplitConfig, split
from onebody.tasks import TASKS, build_tasks, resolve_tasks

LATE = "S018C003P046R002A120"
NAMES = (
    "S001C001P001R001A001",  # train subject, test camera
    "S001C002P001R001A001",  # the same performance from elsewhere
    "S002C003P003R002A050",  # test subject, train camera, two people
    LATE,
)
FRAMES = 5


def one(shift=0.0):
    return [{7: body(shift + 0.05 * t)} for t in range(FRAMES)]


def two():
    return [{7: body(-1, size=0.9), 8: body(0.5 * t)} for t in range(FRAMES)]


@pytest.fixture
def official(tmp_path):
    """Texts and the list of the set of 60 (nothing in it is there)."""
    for name in NAMES:
        write_text(tmp_path / "nturgb+d_skeletons", name, two() if "A050" in name else one())
    write_missing(tmp_path, ["S017C003P020R002A060"])
    return tmp_path


def test_names_become_columns(official):
    table = read_ntu(NtuConfig(folder=official))
    assert table.name == "ntu"
    assert table.row_names.tolist() == list(NAMES[:3])
    assert list(table.media) == ["skeleton"]
    assert table.layouts == {"skeleton": "ntu-25"}
    assert table.subject.tolist() == ["1", "1", "3"]
    assert table.camera.tolist() == ["1", "2", "3"]
    assert table.columns["action"].values.tolist() == [0, 0, 49]
    assert len(table.columns["action"].space) == 60
    assert table.fps.tolist() == [30.0] * 3
    assert table.source.tolist() == ["S001P001R001A001"] * 2 + ["S002P003R002A050"]
    named = read_ntu(NtuConfig(folder=official, subject_prefix="ntu-"))
    assert named.subject.tolist() == ["ntu-1", "ntu-1", "ntu-3"]


@pytest.mark.parametrize(
    ("classes", "protocol", "parts"),
    [
        (60, "xsub", ["train", "train", "test"]),
        (60, "xview", ["test", "train", "train"]),
        (120, "xsub", ["train", "train", "test", "train"]),
        (120, "xset", ["test", "test", "train", "train"]),
    ],
)
def test_protocols(official, classes, protocol, parts):
    write_missing(official, ["S017C003P020R002A060", "S032C003P106R002A120"], 120)
    table = read_ntu(NtuConfig(folder=official, classes=classes, split=protocol))
    assert table.split.tolist() == parts
    assert len(table.columns["action"].space) == classes
    divided = split(table, SplitConfig(own_split=True))
    assert divided.test.tolist() == [part == "test" for part in parts]


@pytest.mark.parametrize(("classes", "protocol"), [(60, "xset"), (120, "xview")])
def test_protocols_of_the_other_set_are_refused(official, classes, protocol):
    with pytest.raises(ValueError, match=f"'{protocol}' is no protocol of {classes} classes"):
        NtuConfig(folder=official, classes=classes, split=protocol)


def test_a_performance_is_a_group_but_across_views(official):
    table = read_ntu(NtuConfig(folder=official))
    assert table.group.tolist() == table.source.tolist()
    table = read_ntu(NtuConfig(folder=official, split="xview"))
    assert table.group.tolist() == list(NAMES[:3])


def test_joints_in_mm_and_pixels(official):
    table = read_ntu(NtuConfig(folder=official))
    skeleton = read_array(str(table.media["skeleton"][2]))
    assert skeleton.shape == (FRAMES, 25, 3)
    np.testing.assert_allclose(skeleton[:, 0, 0], 500 * np.arange(FRAMES) - 40, atol=1e-2)
    pose3d = read_array(str(table.columns["pose3d"].sources[2]))
    np.testing.assert_array_equal(pose3d[..., :3], skeleton)
    pixels = read_array(str(table.columns["pose2d"].sources[2]))
    np.testing.assert_allclose(pixels[0, 0, :2], [-40 / 3 * 1.06 + 965, 540 - 300 * 1.06], 1e-4)
    np.testing.assert_allclose(table.camera_matrix[2], [FOCAL, FOCAL, *CENTER], rtol=1e-3)
    np.testing.assert_allclose(table.depth_ref_mm, 3000)


def test_boxes_hold_the_joints_in_the_color_picture(official):
    table = read_ntu(NtuConfig(folder=official, people=2))
    for row, place in enumerate(table.columns["pose2d"].sources):
        pixels = read_array(str(place))[..., :2].reshape(-1, 2)
        low, high = pixels.min(0), pixels.max(0)
        expected = np.r_[low, high].clip(0, [1920, 1080, 1920, 1080])
        np.testing.assert_allclose(table.box[row], expected, atol=1e-3)
    assert (table.box[:, 2] < 1920).tolist() == [True, True, True, True]
    whole = read_ntu(NtuConfig(folder=official, boxes="none"))
    assert np.isnan(whole.box).all()


def test_what_was_prepared_without_boxes_is_made_anew(official):
    config = NtuConfig(folder=official)
    table = read_ntu(config)
    folder = official / "prepared" / "spread"
    made = load_table(folder)
    save_table(replace(made, box=np.full_like(made.box, np.nan)), folder)
    np.testing.assert_array_equal(read_ntu(config).box, table.box)


def test_second_people_are_rows_of_the_same_group(official):
    table = read_ntu(NtuConfig(folder=official, people=2))
    assert table.row_names.tolist() == [*NAMES[:3], f"{NAMES[2]}/person2"]
    assert table.group[2] == table.group[3]
    still = read_array(str(table.media["skeleton"][3]))
    np.testing.assert_allclose(still[:, 0, 0], -1036, rtol=1e-4)


def test_the_first_body_is_another_folder(official):
    read_ntu(NtuConfig(folder=official))
    table = read_ntu(NtuConfig(folder=official, body="first"))
    np.testing.assert_allclose(read_array(str(table.media["skeleton"][2]))[:, 0, 0], -1036, 1e-4)
    prepared = official / "prepared" / "first"
    assert len(read_ntu(NtuConfig(folder=prepared, body="first", lists=official))) == 3
    with pytest.raises(ValueError, match=r"prepared with 'body: spread', found 'ntu first'"):
        read_ntu(NtuConfig(folder=prepared, lists=official))


def test_listed_and_empty_skeletons_are_left_out_and_counted(official):
    write_text(official / "nturgb+d_skeletons", "S003C001P001R001A001", [{}, {}])
    write_missing(official, [NAMES[1], LATE])
    with pytest.warns(UserWarning, match="of 4 rows 1 are in the list .* and 1 more show no body"):
        table = read_ntu(NtuConfig(folder=official))
    assert table.row_names.tolist() == [NAMES[0], NAMES[2]]


def test_without_its_list_figures_are_not_official(official):
    with pytest.warns(UserWarning, match="no NTU_RGBD120_samples_with_missing_skeletons.txt in"):
        assert len(read_ntu(NtuConfig(folder=official, classes=120))) == 4
    next(official.glob("*.txt")).unlink()
    write_missing(official, [NAMES[0]], 120)  # holds the list of 60
    with pytest.warns(UserWarning, match="of 3 rows 1 are in the list"):
        assert len(read_ntu(NtuConfig(folder=official))) == 2


def test_what_was_prepared_is_read_again_until_texts_are_added_or_changed(official, monkeypatch):
    read_ntu(NtuConfig(folder=official))
    texts = official / "nturgb+d_skeletons"
    with monkeypatch.context() as patch:
        patch.setattr(ntu, "prepare", None)  # nothing is made anew
        assert len(read_ntu(NtuConfig(folder=official))) == 3
    write_text(texts, NAMES[0], one(0.3)[:-1])
    assert len(read_array(str(read_ntu(NtuConfig(folder=official)).media["skeleton"][0]))) == 4
    (texts / f"{NAMES[0]}.skeleton").write_text("")
    write_text(texts, "S003C001P001R001A001", one())
    with pytest.raises(ValueError, match=rf"{NAMES[0]}\.skeleton:1: expected the number of frames"):
        read_ntu(NtuConfig(folder=official))
    write_text(texts, NAMES[0], one())
    assert len(read_ntu(NtuConfig(folder=official))) == 4
    assert len(list((official / "prepared" / "spread").glob("pose3d-*.npy"))) == 4  # of setups


def test_texts_may_lie_in_the_folder_itself(official):
    moved = official / "nturgb+d_skeletons"
    assert len(read_ntu(NtuConfig(folder=moved, lists=official))) == 3


def test_odd_recordings_are_counted(official):
    texts = official / "nturgb+d_skeletons"
    broken = body()
    broken[3, 1] = np.nan
    write_text(texts, NAMES[0], [{1: broken}, {2: body()}])
    askew = body()
    askew[:, 5] = np.linspace(0, 1900, 25)
    write_text(texts, NAMES[1], [{1: askew}])
    with pytest.warns(UserWarning, match="ntu: of 5 rows: 1 have a body whose number") as caught:
        read_ntu(NtuConfig(folder=official))
    text = str(caught[0].message)
    assert "1 have joints with numbers that are not finite: missing" in text
    assert "1 fit no camera" in text


@pytest.mark.parametrize(("length", "joints"), [(FRAMES, 5), (FRAMES + 3, 5), (FRAMES - 2, 3)])
def test_videos_are_cut_to_what_both_have(official, make_video, length, joints):
    make_video(official / "nturgb+d_rgb" / f"{NAMES[1]}_rgb.avi", length, codec="mpeg4")
    config = NtuConfig(folder=official)
    if length == FRAMES:
        with pytest.warns(UserWarning, match="ntu: of 5 rows: .*4 have no color video"):
            table = read_ntu(config)
    else:
        with pytest.warns(UserWarning, match="1 are of another length than their video"):
            table = read_ntu(config)
    assert [bool(source) for source in table.media["rgb"]] == [False, True, False]
    for modality in ("rgb", "skeleton"):
        source = str(table.media[modality][1])
        assert frame_span(source, end_s=table.end_s[1], fps=30.0) == (0, joints)
    assert len(read_array(str(table.columns["pose3d"].sources[1]))) == joints
    assert len(read_ntu(config)) == 3  # from what was prepared: nothing is told again


def test_a_batch_of_skeletons_and_one_of_poses(official, make_video):
    for name in NAMES:
        make_video(official / "nturgb+d_rgb" / f"{name}_rgb.avi", FRAMES, codec="mpeg4")
    with pytest.warns(UserWarning, match="5 have a video of another size than 1920 x 1080"):
        table = read_ntu(NtuConfig(folder=official, boxes="none"))

    def batch(spec, *names):
        kinds: dict[str, Config] = {
            name: TASKS["classification" if name == "action" else name].config(name=name)
            for name in names
        }
        tasks = build_tasks(resolve_tasks(kinds, [table]))
        specs = [task.target_spec(table) for task in tasks.values()]
        return make_batch(table, [0, 2], spec, specs, augment=None)

    found = batch(InputSpec(modality="skeleton", skeleton="ntu-25", frames=8), "action")
    assert found.inputs["skeleton"].shape == (2, 8, 25, 3)
    assert found.targets["action"].value.tolist() == [0, 49]
    found = batch(InputSpec(size=32, frames=FRAMES), "action", "pose2d", "pose3d")
    flat, deep = found.targets["pose2d"], found.targets["pose3d"]
    assert found.inputs["rgb"].shape == (2, 3, FRAMES, 32, 32)
    assert flat.mask.any()
    assert deep.present.all()


def test_places_are_brought_to_a_resized_video(official, make_video, tmp_path):
    whole = read_ntu(NtuConfig(folder=official, prepared=tmp_path / "whole"))
    path = make_video(official / "nturgb+d_rgb" / f"{NAMES[0]}_rgb.avi", FRAMES, codec="mpeg4")
    info = probe(str(path))
    scale = np.array([info.width / 1920, info.height / 1080])
    with pytest.warns(UserWarning, match="1 have a video of another size"):
        small = read_ntu(NtuConfig(folder=official))
    np.testing.assert_allclose(small.box[0], whole.box[0] * np.r_[scale, scale], rtol=1e-6)
    np.testing.assert_allclose(small.box[1:], whole.box[1:])
    factors = [*scale, *scale]  # of fx, fy, cx, cy
    np.testing.assert_allclose(small.camera_matrix[0], whole.camera_matrix[0] * factors, rtol=1e-6)
    before, after = (read_array(str(t.columns["pose2d"].sources[0])) for t in (whole, small))
    np.testing.assert_allclose(after[..., :2], before[..., :2] * scale, rtol=1e-5)
    np.testing.assert_array_equal(after[..., 2], before[..., 2])


def test_other_files_and_folders_are_refused(official, tmp_path):
    with pytest.raises(ValueError, match=r"no NTU RGB\+D here"):
        read_ntu(NtuConfig(folder=tmp_path / "nowhere"))
    write_text(official / "nturgb+d_skeletons", "S001C001P001R001A121", one())
    with pytest.raises(ValueError, match=r"A121\.skeleton: expected a name SsssCcccPpppRrrrAaaa"):
        read_ntu(NtuConfig(folder=official))


def test_videos_without_a_text_are_told(official, make_video):
    for name in (*NAMES, "S005C001P001R001A001"):
        make_video(official / "nturgb+d_rgb" / f"{name}_rgb.avi", FRAMES, codec="mpeg4")
    texts = r"1 videos .first: S005C001P001R001A001. have no text"
    with pytest.warns(UserWarning, match=texts), pytest.warns(UserWarning, match="another size"):
        table = read_ntu(NtuConfig(folder=official))
    assert table.row_names.tolist() == list(NAMES[:3])


def test_a_video_twice_is_refused(official, make_video):
    for suffix in ("avi", "mp4"):
        make_video(official / "nturgb+d_rgb" / f"{NAMES[1]}_rgb.{suffix}", 2, codec="mpeg4")
    with pytest.raises(ValueError, match=f"expected one video of {NAMES[1]}, found several"):
        read_ntu(NtuConfig(folder=official))


def test_only_late_classes_are_no_set_of_60(tmp_path):
    write_text(tmp_path, LATE, one())
    write_missing(tmp_path, [NAMES[0]])
    with pytest.raises(ValueError, match="of 60 classes with skeletons, found none"):
        read_ntu(NtuConfig(folder=tmp_path))
