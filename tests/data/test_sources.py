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

from onebody.data.media import parse
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
    """Nothing that the parent has open is needed by, or sent to, a worker."""
    archive = tmp_path / "clips.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.write(clip, "a.mp4")
    np.savez(tmp_path / "d.npz", k=np.full((5, 16, 16), 9, np.uint8))
    sources = [clip, f"{archive}!a.mp4", f"{tmp_path / 'd.npz'}#k"]
    here = _in_worker(sources)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(_in_worker, (sources,)) == here


# --- zip archives -----------------------------------------------------------------------------


def _save(path: Path, value: int, size: tuple[int, int] = (6, 4), mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value if mode == "L" else (value,) * 3).save(path)


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
