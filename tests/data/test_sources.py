"""Every source gives exactly the frames asked for, or says what is wrong."""

from __future__ import annotations

import itertools
import multiprocessing
import pickle
import shutil
import struct
import zipfile
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from onebody.data.media import natural_sorted, parse
from onebody.data.sources import (
    MediaError,
    frame_span,
    probe,
    read_array,
    read_frames,
    timestamps,
)
from onebody.data.video_index import video_index

COUNT = 60
X264 = {"preset": "ultrafast", "bf": "3", "g": "12"}
UNEVEN_MS = np.cumsum(np.random.default_rng(0).integers(10, 90, COUNT)).tolist()
OPEN_GROUPS = {"preset": "ultrafast", "x264-params": "open-gop=1:keyint=12:bframes=3"}
KINDS = {
    "b_frames.mp4": {"options": X264},
    "open_groups.mp4": {"options": OPEN_GROUPS},
    "b_frames.mkv": {"options": X264},
    "broadcast.ts": {"options": X264},
    "h264_in_avi.avi": {"options": X264},
    "mpeg4_b.avi": {"codec": "mpeg4", "options": {"bf": "2", "g": "12"}},
    "mpeg4_plain.avi": {"codec": "mpeg4", "options": {"g": "12"}},
    "motion_jpeg.avi": {"codec": "mjpeg"},
    "mpeg4_b.mp4": {"codec": "mpeg4", "options": {"bf": "2", "g": "12"}},
    "uneven.mp4": {"options": X264, "times_ms": UNEVEN_MS},
    "late_start.mp4": {"options": X264, "times_ms": [5000 + 40 * i for i in range(COUNT)]},
    "late_start.mkv": {"options": X264, "times_ms": [5000 + 40 * i for i in range(COUNT)]},
    "raw.h264": {"options": X264},
    "named 100% #1!, ünï:c.mp4": {"options": X264},
}


@pytest.fixture(scope="session")
def videos(tmp_path_factory, make_video):
    """Make one video of each kind in a folder with a blank and an umlaut in its name."""
    folder = tmp_path_factory.mktemp("clips") / "größe 1"
    return {name: str(make_video(folder / name, COUNT, **how)) for name, how in KINDS.items()}


@pytest.fixture(scope="session")
def clip(videos):
    return videos["b_frames.mp4"]


@pytest.mark.parametrize("name", KINDS)
def test_random_frames_are_exact(videos, numbers_in, name):
    source = videos[name]
    assert probe(source).num_frames == COUNT
    assert (probe(source).height, probe(source).width) == (48, 64)
    everything = read_frames(source, np.arange(COUNT))
    assert numbers_in(everything) == list(range(COUNT))
    rng = np.random.default_rng(1)
    for _ in range(12):
        indices = rng.integers(0, COUNT, rng.integers(1, 7))
        frames = read_frames(source, indices)
        assert numbers_in(frames) == indices.tolist()
        np.testing.assert_array_equal(frames, everything[indices])


@pytest.mark.parametrize("drop", [5, 12, 17])
def test_edit_list_hides_frames(tmp_path, clip, numbers_in, drop):
    """Copying from the middle makes an MP4 that stores frames which are not to be shown."""
    cut = tmp_path / "cut.mp4"
    with av.open(clip) as source, av.open(str(cut), "w") as target:
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream)
        step = round(1 / stream.time_base / 25)
        for packet in source.demux(stream):
            if packet.dts is not None:
                packet.pts, packet.dts = packet.pts - drop * step, packet.dts - drop * step
                packet.stream = copy
                target.mux(packet)
    assert probe(str(cut)).num_frames == COUNT - drop
    assert numbers_in(read_frames(str(cut), np.arange(COUNT - drop))) == list(range(drop, COUNT))
    assert numbers_in(read_frames(str(cut), np.array([20, 3]))) == [drop + 20, drop + 3]


def test_counting_is_kept_for_containers_without_times(videos):
    assert video_index(parse(videos["mpeg4_b.avi"])).counted
    assert video_index(parse(videos["raw.h264"])).counted
    assert not video_index(parse(videos["mpeg4_plain.avi"])).counted
    assert not video_index(parse(videos["b_frames.mp4"])).counted


def test_seeking_decodes_only_what_is_needed(clip):
    index = video_index(parse(clip))
    assert len(index.keys) == 5
    assert (np.diff(index.times) > 0).all()


@pytest.mark.parametrize("degrees", [90, 180, -90])
def test_display_rotation_is_applied(tmp_path, make_video, clip, degrees):
    """The expected turn is read off the MP4's own matrix, byte by byte."""
    turned = make_video(tmp_path / "phone.mp4", 3, options=X264, rotation=degrees)
    data = turned.read_bytes()
    at = data.index(b"tkhd") + 4 + 40
    a, b, _, c, d, _ = (v / 65536 for v in struct.unpack(">6i", data[at : at + 24]))
    plain = read_frames(str(make_video(tmp_path / "plain.mp4", 3, options=X264)), np.arange(3))
    height, width = plain.shape[1:3]
    rows, columns = np.mgrid[:height, :width]
    x, y = (a * columns + c * rows).astype(int), (b * columns + d * rows).astype(int)
    expected = np.zeros((3, np.ptp(y) + 1, np.ptp(x) + 1, 3), np.uint8)
    expected[:, y - y.min(), x - x.min()] = plain
    frames = read_frames(str(turned), np.arange(3))
    np.testing.assert_array_equal(frames, expected)
    assert probe(str(turned)).height == frames.shape[1]
    assert probe(str(turned)).width == frames.shape[2]


def test_timestamps_of_a_variable_rate(videos):
    expected = (np.array(UNEVEN_MS) - UNEVEN_MS[0]) / 1000
    np.testing.assert_allclose(timestamps(videos["uneven.mp4"], np.arange(COUNT)), expected)
    late = timestamps(videos["late_start.mp4"], np.array([0, 50]))
    np.testing.assert_allclose(late, [0, 2])
    np.testing.assert_allclose(timestamps(videos["mpeg4_b.avi"], np.array([25])), [1])


def test_spans_in_seconds(clip, videos):
    assert frame_span(clip) == (0, COUNT)
    assert frame_span(clip, 0.4, 0.8) == (10, 20)
    assert frame_span(clip, 0.39, 0.81) == (10, 20)  # written with few digits
    assert frame_span(clip, end_s=0.2) == (0, 5)
    assert frame_span(clip, start_s=2.0) == (50, COUNT)
    assert frame_span(clip, 1.0, 2.0, fps=10.0) == (10, 20)
    times = (np.array(UNEVEN_MS) - UNEVEN_MS[0]) / 1000
    first, stop = frame_span(videos["uneven.mp4"], times[7], times[19])
    assert abs(first - 7) <= 2
    assert abs(stop - 19) <= 2
    with pytest.raises(MediaError, match=r"between 9 s and 10 s.*none in 2\.400 s"):
        frame_span(clip, 9, 10)


def test_adjoining_spans_share_no_frame(videos):
    for name in ("b_frames.mp4", "uneven.mp4"):
        cuts = [frame_span(videos[name], a / 4, (a + 1) / 4) for a in range(8)]
        assert all(left[1] == right[0] for left, right in itertools.pairwise(cuts))


def test_grey_and_color(clip, numbers_in):
    grey = read_frames(clip, np.array([37]), channels=1)
    assert grey.shape == (1, 48, 64, 1)
    assert numbers_in(grey) == [37]
    color = read_frames(clip, np.array([37]))
    assert np.abs(grey.astype(int) - color.astype(int)).mean() < 2
    with pytest.raises(ValueError, match="1 or 3 channels, found 2"):
        read_frames(clip, np.array([0]), channels=2)


def test_no_indices_give_no_frames(clip):
    assert read_frames(clip, np.array([], np.int64)).shape == (0, 48, 64, 3)


@pytest.mark.parametrize("index", [-1, COUNT, 10**9])
def test_a_frame_outside_is_an_error(clip, index):
    with pytest.raises(MediaError, match=rf"from 0 to {COUNT - 1}, found frame {index}"):
        read_frames(clip, np.array([0, index]))


def test_missing_files_are_named(tmp_path):
    gone = tmp_path / "nö where" / "clip.mp4"
    with pytest.raises(MediaError, match="nothing there") as error:
        read_frames(str(gone), np.array([0]))
    assert str(gone) in str(error.value)
    assert "nor a folder" in str(error.value)
    for source in ("", "a\0b.mp4"):
        with pytest.raises(MediaError):
            probe(source)
    for name in ("x.npz#k", "x.npy", "x.png", "x.zip!a.mp4"):
        with pytest.raises(MediaError, match="nothing there"):
            probe(str(tmp_path / name))


def test_what_is_no_video_is_named(tmp_path):
    text = tmp_path / "notes.mp4"
    text.write_text("this is no video")
    with pytest.raises(MediaError, match="readable video"):
        probe(str(text))
    empty = tmp_path / "empty.mp4"
    empty.touch()
    with pytest.raises(MediaError, match="an empty file"):
        probe(str(empty))
    sound = tmp_path / "sound.wav"
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame(format="s16", layout="mono", samples=800)
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(MediaError, match="streams: audio"):
        probe(str(sound))


def test_changed_files_are_read_anew(tmp_path, make_video):
    path = make_video(tmp_path / "clip.mp4", 5, options=X264)
    assert probe(str(path)).num_frames == 5
    make_video(path, 9, options=X264)
    assert probe(str(path)).num_frames == 9


def test_errors_travel_between_processes():
    error = MediaError("clip.mp4", "300 frames", "77")
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == "clip.mp4: expected 300 frames, found 77."
    assert (again.source, again.expected, again.found) == ("clip.mp4", "300 frames", "77")


def _in_worker(sources):
    return [read_frames(source, np.array([3]))[0, 8, 8, 0] for source in sources]


def test_worker_processes_read_after_the_parent(tmp_path, clip):
    """Forked workers share the position of open files: nothing may be kept across the fork."""
    archive = tmp_path / "clips.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.write(clip, "a.mp4")
    np.savez(tmp_path / "d.npz", k=np.full((5, 16, 16), 9, np.uint8))
    sources = [clip, f"{archive}!a.mp4", f"{tmp_path / 'd.npz'}#k"]
    here = _in_worker(sources)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(_in_worker, (sources,)) == here


# --- pictures ---------------------------------------------------------------------------------


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
    with pytest.raises(MediaError, match="Did you mean 'walking'"):
        read_array(str(tmp_path / "d.npz#walkin"))
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


# --- zip archives -----------------------------------------------------------------------------


def test_members_of_zip_archives(tmp_path, clip, numbers_in):
    for number in (2, 10, 1):
        _save(tmp_path / f"f{number}.png", number)
    np.save(tmp_path / "d.npy", np.arange(6).reshape(3, 2))
    np.savez(tmp_path / "d.npz", k=np.arange(4))
    archive = tmp_path / "all.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.write(clip, "deep/ä b.mp4")
        for name in ("d.npy", "d.npz"):
            file.write(tmp_path / name, name)
        for number in (10, 2, 1):
            file.write(tmp_path / f"f{number}.png", f"frames/f{number}.png")
            file.write(tmp_path / f"f{number}.png", f"frames/more/f{number}.png")
    source = f"{archive}!deep/ä b.mp4"
    assert numbers_in(read_frames(source, np.array([41, 3]))) == [41, 3]
    assert probe(source).num_frames == COUNT
    folder = f"{archive}!frames/"
    assert read_frames(folder, np.arange(3))[:, 0, 0, 0].tolist() == [1, 2, 10]
    assert read_frames(f"{archive}!frames/f2.png", np.array([0]))[0, 0, 0, 0] == 2
    assert read_array(f"{archive}!d.npy#1:2").tolist() == [[2, 3]]
    assert read_array(f"{archive}!d.npz#k").tolist() == [0, 1, 2, 3]
    with pytest.raises(MediaError, match="no such name"):
        probe(f"{archive}!gone.mp4")
    shutil.copy(clip, tmp_path / "fake.zip")
    with pytest.raises(MediaError, match="a zip archive"):
        probe(f"{tmp_path / 'fake.zip'}!a.mp4")


def test_marks_in_file_names_are_no_separators():
    assert parse("a#b!c.mp4").path == "a#b!c.mp4"
    place = parse("x.zip!y.zip/a.npz#k")
    assert (place.path, place.member, place.part) == ("x.zip", "y.zip/a.npz", "k")
    assert parse("x.zip!frames/").kind == "folder"
