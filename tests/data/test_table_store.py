"""Tables come back as they were saved; cached media are the frames of the originals."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from onebody.data import ClassColumn, JointsColumn, make_table
from onebody.data.sources import MediaError, probe, read_frames
from onebody.data.store import cache_media, load_table, save_table
from onebody.labels import LabelSpace

X264 = {"preset": "ultrafast", "bf": "2", "g": "12"}


def _table(folder, **given):
    space = LabelSpace(
        "set.action",
        ("walk", "wave l", "wave r"),
        {"walk": "walk", "wave l": "wave r", "wave r": None},
    )
    columns = {
        "action": ClassColumn(values=np.array([0, -1, 2]), space=space),
        "pose": JointsColumn(
            sources=np.array([str(folder / "j.npz#a b"), "", "/else/where.npz#k"]),
            skeleton="coco-17",
            unit="px",
        ),
    }
    media = {
        "rgb": [str(folder / "clips" / "ä.mp4"), "/else/b.mp4", ""],
        "imu": ["", "", "x.npy#0:3"],
    }
    return make_table(
        "sät", media, columns=columns, subject=["s1", "", "s2"], fps=[25, np.nan, 30], **given
    )


def _assert_same(left, right):
    assert left.name == right.name
    for name in ("start_s", "end_s", "fps", "camera_matrix", "depth_ref_mm"):
        np.testing.assert_array_equal(getattr(left, name), getattr(right, name))
    for name in ("subject", "camera", "source", "group", "split", "row_names"):
        assert getattr(left, name).tolist() == getattr(right, name).tolist()
    assert list(left.columns) == list(right.columns)


def test_round_trip_and_moving(tmp_path):
    folder = tmp_path / "one"
    table = _table(folder, start_s=[0, np.nan, 1.5])
    save_table(table, folder)
    again = load_table(folder)
    _assert_same(table, again)
    assert again.media["rgb"].tolist() == table.media["rgb"].tolist()
    assert again.media["imu"][2].endswith("/x.npy#0:3")
    assert again.columns["action"].space == table.columns["action"].space
    assert again.columns["pose"].sources.tolist() == table.columns["pose"].sources.tolist()
    shutil.move(folder, tmp_path / "two")
    moved = load_table(tmp_path / "two")
    assert moved.media["rgb"].tolist()[:2] == [
        str(tmp_path / "two" / "clips" / "ä.mp4"),
        "/else/b.mp4",
    ]
    assert moved.columns["pose"].sources[0] == str(tmp_path / "two" / "j.npz#a b")


def test_saving_keeps_what_else_is_in_the_folder_and_replaces_the_old_table(tmp_path):
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "a.mp4").write_bytes(b"media")
    save_table(_table(tmp_path), tmp_path)
    save_table(_table(tmp_path).select(np.array([1])), tmp_path)
    assert len(load_table(tmp_path)) == 1
    assert (tmp_path / "clips" / "a.mp4").read_bytes() == b"media"
    assert len(list(tmp_path.glob("table-*.npz"))) == 1
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_saving_is_deterministic(tmp_path):
    save_table(_table(tmp_path / "a"), tmp_path / "a")
    save_table(_table(tmp_path / "b"), tmp_path / "b")
    names = [{p.name: p.read_bytes() for p in (tmp_path / x).iterdir()} for x in "ab"]
    assert names[0] == names[1]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: (f / "table.json").unlink(), "found no"),
        (lambda f: next(f.glob("table-*.npz")).unlink(), "found no"),
        (lambda f: (f / "table.json").write_text("{"), "cannot be read"),
        (lambda f: (f / "table.json").write_text("[]"), "expected format 1, found 'list'"),
        (lambda f: _change(f, format=2), "expected format 1, found 2"),
        (lambda f: _change(f, media=["rgb", "depth"]), "cannot be read"),
        (lambda f: next(f.glob("table-*.npz")).write_bytes(b"PK"), "cannot be read"),
        (lambda f: _change(f, arrays="../../else.npz"), "found no"),
    ],
)
def test_damaged_tables_are_refused(tmp_path, spoil, message):
    save_table(_table(tmp_path), tmp_path)
    spoil(tmp_path)
    with pytest.raises(ValueError, match=message) as error:
        load_table(tmp_path)
    assert str(tmp_path) in str(error.value)


def _change(folder, **values):
    header = json.loads((folder / "table.json").read_text())
    (folder / "table.json").write_text(json.dumps(header | values))


def test_labels_outside_the_classes_are_refused(tmp_path):
    save_table(_table(tmp_path), tmp_path)
    header = json.loads((tmp_path / "table.json").read_text())
    header["columns"]["action"] |= {"classes": ["walk"], "mirror": {}}
    (tmp_path / "table.json").write_text(json.dumps(header))
    with pytest.raises(ValueError, match="labels outside its classes"):
        load_table(tmp_path)


# --- cached media -----------------------------------------------------------------------------


def test_cached_frames_are_those_of_the_span(tmp_path, make_video, numbers_in):
    a = str(make_video(tmp_path / "a.mp4", 150, options=X264))
    b = str(make_video(tmp_path / "b.avi", 20, codec="mpeg4", fps=10))
    table = make_table(
        "t",
        {"rgb": [a, b, a, "", a]},
        start_s=[0.4, np.nan, np.nan, np.nan, 0.4],
        end_s=[0.8, np.nan, np.nan, np.nan, 0.8],
        fps=[np.nan, np.nan, 50, np.nan, np.nan],
    )
    cached = cache_media(table, "rgb", tmp_path / "cache")
    assert probe(cached.media["rgb"][0]).num_frames == 10
    assert numbers_in(read_frames(cached.media["rgb"][0], np.arange(10))) == list(range(10, 20))
    assert numbers_in(read_frames(cached.media["rgb"][1], np.arange(20))) == list(range(20))
    assert numbers_in(read_frames(cached.media["rgb"][2], np.arange(150))) == list(range(150))
    assert cached.media["rgb"][3] == ""
    assert cached.media["rgb"][4] == cached.media["rgb"][0]  # stored once
    np.testing.assert_array_equal(cached.fps, [25, 10, 50, np.nan, 25])
    assert np.isnan(cached.start_s).all()
    assert np.isnan(cached.end_s).all()
    assert [p.name for p in (tmp_path / "cache").iterdir()] == ["rgb-48x64.npy"]
    np.testing.assert_array_equal(
        read_frames(cached.media["rgb"][0], np.array([3])), read_frames(a, np.array([13]))
    )


def test_grey_media_are_stored_grey(tmp_path, make_video):
    source = str(make_video(tmp_path / "d.mp4", 5, options=X264))
    cached = cache_media(make_table("t", {"depth": [source]}), "depth", tmp_path)
    stored = np.load(tmp_path / "depth-48x64.npy", mmap_mode="r")
    assert stored.shape == (5, 48, 64, 1)
    np.testing.assert_array_equal(
        read_frames(cached.media["depth"][0], np.arange(5), channels=1),
        read_frames(source, np.arange(5), channels=1),
    )


def test_two_modalities_share_a_folder(tmp_path, make_video):
    source = str(make_video(tmp_path / "d.mp4", 5, options=X264))
    table = make_table("t", {"rgb": [source], "depth": [source]})
    table = cache_media(cache_media(table, "rgb", tmp_path / "c"), "depth", tmp_path / "c")
    assert sorted(p.name for p in (tmp_path / "c").iterdir()) == [
        "depth-48x64.npy",
        "rgb-48x64.npy",
    ]
    assert probe(table.media["rgb"][0]).num_frames == 5


def test_a_failure_names_the_row_and_keeps_the_old_cache(tmp_path, make_video):
    source = str(make_video(tmp_path / "a.mp4", 5, options=X264))
    cache_media(make_table("t", {"rgb": [source]}), "rgb", tmp_path / "c")
    before = (tmp_path / "c" / "rgb-48x64.npy").read_bytes()
    table = make_table("t", {"rgb": [source, str(tmp_path / "gone.mp4")]})
    with pytest.raises(MediaError, match=r"t:1: .*gone\.mp4"):
        cache_media(table, "rgb", tmp_path / "c")
    assert [p.name for p in (tmp_path / "c").iterdir()] == ["rgb-48x64.npy"]
    assert (tmp_path / "c" / "rgb-48x64.npy").read_bytes() == before


def test_spans_that_another_medium_needs_are_not_cleared(tmp_path):
    table = make_table("t", {"rgb": ["a.mp4"], "depth": ["b.mp4"]}, start_s=[1.0])
    with pytest.raises(ValueError, match="'depth' still needs the row's span"):
        cache_media(table, "rgb", tmp_path)
    with pytest.raises(ValueError, match=r"no modality 'imu'\. Has: rgb, depth"):
        cache_media(table, "imu", tmp_path)
