"""Pictures, folders of pictures and arrays: read exactly, or said to be broken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from onebody.data import arrays
from onebody.data.media import natural_sorted
from onebody.data.sources import (
    MediaError,
    frame_span,
    probe,
    read_array,
    read_frames,
    timestamps,
)


def _save(path: Path, value: int, size: tuple[int, int] = (6, 4), mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value if mode == "L" else (value,) * 3).save(path)


def test_natural_order_is_total_and_stable():
    names = ["img10.png", "img2.png", "img02.png", "a1b10", "a1b9", "img.png", "10", "9", "²"]
    ordered = natural_sorted(names)
    assert ordered == natural_sorted(names[::-1])
    assert ordered.index("img2.png") < ordered.index("img10.png")
    assert ordered.index("9") < ordered.index("10")
    assert ordered.index("a1b9") < ordered.index("a1b10")
    assert natural_sorted(["1" * 6000, "2"]) == ["2", "1" * 6000]


def test_a_folder_is_a_clip_in_natural_order(tmp_path):
    for number in (1, 2, 10, 9, 100):
        _save(tmp_path / "frames" / f"f{number}.png", number)
    (tmp_path / "frames" / "Thumbs.db").write_bytes(b"x")
    (tmp_path / "frames" / "._f1.png").write_bytes(b"x")
    source = str(tmp_path / "frames")
    info = probe(source)
    assert (info.num_frames, info.height, info.width) == (5, 4, 6)
    assert np.isnan(info.fps)
    frames = read_frames(source + "/", np.array([4, 0, 1, 2, 3, 4]))
    assert frames[:, 0, 0, 0].tolist() == [100, 1, 2, 9, 10, 100]
    np.testing.assert_allclose(timestamps(source, np.array([2]), fps=10), [0.2])
    with pytest.raises(MediaError, match="'fps' in the table"):
        timestamps(source, np.array([2]))
    _save(tmp_path / "frames" / "f11.png", 11, size=(3, 3))
    with pytest.raises(MediaError, match=r"f11\.png: expected 6 x 4 pixels"):
        read_frames(source, np.arange(6))


def test_an_empty_folder_is_an_error(tmp_path):
    with pytest.raises(MediaError, match="pictures in the folder, found none"):
        probe(str(tmp_path))


def test_a_still_is_a_clip_of_one_frame(tmp_path):
    _save(tmp_path / "still.png", 77, mode="L")
    source = str(tmp_path / "still.png")
    assert read_frames(source, np.array([0, 0])).shape == (2, 4, 6, 3)
    assert read_frames(source, np.array([0]), channels=1)[0, 0, 0, 0] == 77
    assert frame_span(source) == (0, 1)
    with pytest.raises(MediaError, match="found frame 1"):
        read_frames(source, np.array([1]))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_honored(tmp_path, orientation):
    picture = Image.fromarray(np.arange(6, dtype=np.uint8).reshape(2, 3) * 40).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "photo.png"
    picture.save(path, exif=exif)
    stored = np.asarray(picture)
    turn = {
        1: lambda p: p,
        2: np.fliplr,
        3: lambda p: np.rot90(p, 2),
        4: np.flipud,
        5: lambda p: p.transpose(1, 0, 2),
        6: lambda p: np.rot90(p, -1),
        7: lambda p: np.rot90(p, 2).transpose(1, 0, 2),
        8: np.rot90,
    }
    frames = read_frames(str(path), np.array([0]))
    np.testing.assert_array_equal(frames[0], turn[orientation](stored))
    assert probe(str(path)).height == frames.shape[1]


def test_broken_pictures_are_named(tmp_path):
    whole = tmp_path / "whole.jpg"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)).save(whole)
    half = tmp_path / "half.jpg"
    half.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("no picture")
    for name, found in (("half.jpg", "truncated"), ("empty.png", "empty"), ("text.png", "")):
        with pytest.raises(MediaError, match=rf"{name}: expected a readable picture.*{found}"):
            read_frames(str(tmp_path / name), np.array([0]))


def test_sixteen_bits_are_not_cut_to_eight(tmp_path):
    path = tmp_path / "depth.png"
    Image.fromarray(np.full((4, 4), 3000, np.uint16)).save(path)
    with pytest.raises(MediaError, match="8 bits per channel, found mode 'I;16'"):
        read_frames(str(path), np.array([0]), channels=1)


# --- arrays -----------------------------------------------------------------------------------


def test_arrays_of_pictures(tmp_path):
    frames = np.random.default_rng(0).integers(0, 255, (8, 4, 6, 3), np.uint8)
    np.savez(tmp_path / "d.npz", a=frames, b=frames[..., 0])
    np.save(tmp_path / "d.npy", frames)
    indices = np.array([5, 5, 0])
    np.testing.assert_array_equal(read_frames(str(tmp_path / "d.npz#a"), indices), frames[indices])
    np.testing.assert_array_equal(
        read_frames(str(tmp_path / "d.npy#2:8"), indices), frames[2:8][indices]
    )
    grey = read_frames(str(tmp_path / "d.npz#b"), indices)
    np.testing.assert_array_equal(grey, np.repeat(frames[indices][..., :1], 3, axis=-1))
    luma = read_frames(str(tmp_path / "d.npy"), indices, channels=1)
    expected = [np.asarray(Image.fromarray(frames[i]).convert("L")) for i in indices]
    np.testing.assert_array_equal(luma[..., 0], expected)
    assert probe(str(tmp_path / "d.npy#2:8")).num_frames == 6
    with pytest.raises(MediaError, match="found frame 6"):
        read_frames(str(tmp_path / "d.npy#2:8"), np.array([6]))


def test_npy_rows_stay_on_disk(tmp_path):
    np.save(tmp_path / "d.npy", np.arange(40).reshape(10, 4))
    rows = read_array(str(tmp_path / "d.npy#3:7"))
    assert rows.tolist() == np.arange(40).reshape(10, 4)[3:7].tolist()
    base = rows
    while isinstance(base, np.ndarray) and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(base, np.memmap)


@pytest.mark.parametrize("rows", ["7:3", "0:11", "-1:3", "a", "1", "0:1:2"])
def test_rows_that_are_not_there(tmp_path, rows):
    np.save(tmp_path / "d.npy", np.zeros((10, 4)))
    with pytest.raises(MediaError, match="rows"):
        read_array(str(tmp_path / f"d.npy#{rows}"))


def test_objects_are_refused(tmp_path):
    np.save(tmp_path / "o.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "o.npz", k=np.array([{"a": 1}], dtype=object))
    for source in ("o.npy", "o.npz#k"):
        with pytest.raises(MediaError, match="Python objects"):
            read_array(str(tmp_path / source))


def test_broken_arrays_are_named(tmp_path):
    np.savez(tmp_path / "d.npz", walking=np.zeros(3), running=np.zeros(3))
    with pytest.raises(MediaError, match=r"Did you mean 'walking'\?$"):
        read_array(str(tmp_path / "d.npz#walkin"))
    with pytest.raises(MediaError, match=r"Known: running, walking\.$"):
        read_array(str(tmp_path / "d.npz#hop"))
    with pytest.raises(MediaError, match="2 arrays: walking, running"):
        read_array(str(tmp_path / "d.npz"))
    data = (tmp_path / "d.npz").read_bytes()
    (tmp_path / "half.npz").write_bytes(data[: len(data) // 2])
    (tmp_path / "empty.npz").touch()
    huge = b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (%d,), }"
    (tmp_path / "huge.npy").write_bytes((huge % 10**15).ljust(127) + b"\n")
    for name in ("half.npz#walking", "empty.npz#walking", "huge.npy"):
        with pytest.raises(MediaError):
            read_array(str(tmp_path / name))
    np.save(tmp_path / "float.npy", np.zeros((2, 4, 4)))
    with pytest.raises(MediaError, match=r"uint8 .* found float64 \[2, 4, 4\]"):
        read_frames(str(tmp_path / "float.npy"), np.array([0]))
    with pytest.raises(MediaError, match=r"an array: file\.npz#key"):
        read_array(str(tmp_path / "clip.mp4"))


def test_open_archives_belong_to_one_process(tmp_path, monkeypatch):
    """A forked worker shares the position of files that its parent opened: it opens its own."""
    np.savez(tmp_path / "d.npz", k=np.arange(3))
    source = str(tmp_path / "d.npz#k")
    opened = []
    load = np.load
    monkeypatch.setattr(arrays.np, "load", lambda *a, **k: opened.append(a) or load(*a, **k))
    for process in (1, 1, 2):
        monkeypatch.setattr(arrays.os, "getpid", lambda process=process: process)
        assert read_array(source).tolist() == [0, 1, 2]
    assert len(opened) == 2
