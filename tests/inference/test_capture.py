"""Frames of files and cameras come with their times; what is wrong is said after the last one."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from onebody.data.picture import ArrayPicture
from onebody.data.sources import MediaError, read_frames
from onebody.inference.capture import Capture, open_capture, timed


def collect(capture):
    """Read a source to its end; return frames, and the error that it ended with."""
    found = []
    try:
        for frame in capture:
            found.append(frame)  # noqa: PERF402 (what came before the error counts)
    except MediaError as error:
        return found, error
    return found, None


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi"])
def test_a_video_gives_every_frame_with_its_time(tmp_path, make_video, numbers_in, name, channels):
    codec = "mpeg4" if name.endswith("avi") else "libx264"
    path = make_video(tmp_path / name, 30, fps=10, codec=codec)
    capture = open_capture(path, channels=channels)
    assert capture.fps == 10
    found, error = collect(capture)
    assert error is None
    pixels = np.stack([frame.pixels for frame in found])
    assert numbers_in(pixels) == list(range(30))
    np.testing.assert_array_equal(pixels, read_frames(str(path), np.arange(30), channels=channels))
    np.testing.assert_allclose([frame.time_s for frame in found], np.arange(30) / 10, atol=1e-3)
    assert [frame.number for frame in found] == list(range(30))
    assert all(frame.decode_ms >= 0 for frame in found)
    assert len(collect(capture)[0]) == 30  # may be read again


def test_irregular_times_are_kept(tmp_path, make_video):
    times = [0, 40, 50, 300, 310, 900]
    path = make_video(tmp_path / "a.mkv", 6, times_ms=times)
    found, _ = collect(open_capture(path))
    np.testing.assert_allclose([frame.time_s * 1e3 for frame in found], times, atol=1)


def test_a_folder_of_pictures_needs_a_clock(tmp_path):
    for number in range(3):
        size = (20, 10) if number < 2 else (40, 30)
        Image.new("RGB", size, (number, 0, 0)).save(tmp_path / f"{number}.png")
    with pytest.raises(ValueError, match=r"3 pictures without a clock.*--fps 30"):
        open_capture(tmp_path)
    found, error = collect(open_capture(tmp_path, fps=5))
    assert error is None
    assert [frame.pixels.shape for frame in found] == [(10, 20, 3)] * 2 + [(30, 40, 3)]
    np.testing.assert_allclose([frame.time_s for frame in found], [0, 0.2, 0.4])


def test_arrays_are_read_in_parts(tmp_path):
    pixels = np.arange(70, dtype=np.uint8)[:, None, None].repeat(12, 1).repeat(9, 2)
    np.save(tmp_path / "a.npy", pixels)
    found, _ = collect(open_capture(tmp_path / "a.npy", channels=1, fps=35))
    np.testing.assert_array_equal([f.pixels[0, 0, 0] for f in found], np.arange(70))
    assert found[-1].time_s == pytest.approx(69 / 35)


def test_a_text_named_mp4_is_said_to_be_none(tmp_path):
    path = tmp_path / "notes.mp4"
    path.write_text("this is not a video\n" * 100)
    with pytest.raises(MediaError, match=r"notes\.mp4: expected a readable video"):
        open_capture(path)


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(MediaError, match=r"no\.mp4"):
        open_capture(tmp_path / "no.mp4")


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_video_that_stops_half_way_gives_its_first_half(tmp_path, make_video, numbers_in, name):
    options = {"bf": "0", "g": "5"}
    path = make_video(tmp_path / name, 60, fps=10, options=options)
    if name == "a.mp4":  # its table must stand in front, or nothing can be read of a half
        table_first(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 6 // 10])
    found, error = collect(open_capture(path))
    assert 5 < len(found) < 60
    assert numbers_in(np.stack([frame.pixels for frame in found])) == list(range(len(found)))
    assert error is not None
    assert "60 frames" in str(error)


def table_first(path):
    """Write an MP4 anew with its table in front."""
    with av.open(str(path)) as source:
        stream = source.streams.video[0]
        copy = path.with_name("copy.mp4")
        with av.open(str(copy), "w", options={"movflags": "faststart"}) as target:
            out = target.add_stream_from_template(stream)
            for packet in source.demux(stream):
                if packet.dts is not None:
                    packet.stream = out
                    target.mux(packet)
    copy.replace(path)


def test_damage_in_the_midst_is_left_out_and_said(tmp_path, make_video, numbers_in):
    path = make_video(tmp_path / "a.avi", 60, fps=10, codec="mpeg4", options={"g": "10"})
    content = bytearray(path.read_bytes())
    middle = (content.index(b"movi") + content.rindex(b"idx1")) // 2
    content[middle : middle + 200] = bytes(range(200))
    path.write_bytes(content)
    found, error = collect(open_capture(path))
    numbers = numbers_in(np.stack([frame.pixels for frame in found]))
    assert numbers[:10] == list(range(10))
    assert numbers[-1] == 59
    assert numbers == sorted(set(numbers))
    assert len(numbers) < 60
    assert "damaged" in str(error)


def test_a_change_of_size_in_mid_stream_passes_through(tmp_path):
    path = tmp_path / "a.ts"
    parts = []
    for number, size in enumerate([(64, 48), (128, 96)]):
        part = tmp_path / f"{number}.ts"
        with av.open(str(part), "w", format="mpegts") as container:
            stream = container.add_stream("mpeg2video", rate=25)
            stream.width, stream.height = size
            for i in range(10):
                picture = np.full((size[1], size[0], 3), 20 * i, np.uint8)
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                frame.pts, frame.time_base = number * 10 + i, Fraction(1, 25)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        parts.append(part.read_bytes())
    path.write_bytes(b"".join(parts))
    found, _ = collect(open_capture(path))
    shapes = [frame.pixels.shape for frame in found]
    assert shapes[0] == (48, 64, 3)
    assert shapes[-1] == (96, 128, 3)
    times = [frame.time_s for frame in found]
    assert times == sorted(set(times))


def test_a_missing_camera_is_named_with_those_there_are():
    with pytest.raises(MediaError, match=r"camera:93: expected a camera at /dev/video93, found"):
        open_capture("camera:93")


def fake_camera(length=0.4):
    """A source that PyAV opens as it does a camera."""
    return Capture(
        source="camera",
        camera=True,
        fps=float("nan"),
        opened=(f"testsrc=size=64x48:rate=25:duration={length}", "lavfi"),
    )


def test_a_camera_gives_frames_until_it_is_gone():
    found, error = collect(fake_camera())
    assert len(found) == 10
    assert found[0].pixels.shape == (48, 64, 3)
    np.testing.assert_allclose([frame.time_s for frame in found], np.arange(10) / 25, atol=1e-6)
    assert "unplugged" in str(error)


def test_a_camera_that_cannot_be_opened_says_why():
    broken = replace(fake_camera(), opened=("nonsense=1", "lavfi"))
    with pytest.raises(MediaError, match="camera: expected a camera that gives pictures"):
        next(iter(broken))


class Clock:
    """Time that passes only where somebody waits or works."""

    def __init__(self):
        self.now = 100.0
        self.slept = []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


def test_paced_frames_come_at_their_time():
    clock = Clock()

    def pictures():
        for number in range(5):
            clock.now += 0.01  # decoding
            yield np.zeros((8, 8, 3), np.uint8), number / 10

    seen = []
    for frame in timed(pictures(), paced=True, clock=clock, sleep=clock.sleep):
        seen.append(clock.now)
        assert frame.decode_ms == pytest.approx(10)
        assert frame.taken_s == clock.now
        if frame.number == 2:
            clock.now += 0.15  # whoever reads is slow: the next one is late, those after are not
    np.testing.assert_allclose(np.array(seen) - seen[0], [0, 0.1, 0.2, 0.36, 0.4])


def test_unpaced_frames_never_wait():
    clock = Clock()
    pictures = ((np.zeros((8, 8, 3), np.uint8), float(i)) for i in range(5))
    assert len(list(timed(pictures, clock=clock, sleep=clock.sleep))) == 5
    assert clock.slept == []


def test_a_clock_that_stumbles_gives_no_frame_twice():
    times = [0.0, 0.1, 0.1, 0.05, 0.2]
    blank = ArrayPicture(np.zeros((8, 8, 3), np.uint8))
    pictures = ((blank, time_s) for time_s in times)
    assert [frame.time_s for frame in timed(pictures)] == [0.0, 0.1, 0.2]


def test_a_rate_is_positive(tmp_path):
    with pytest.raises(ValueError, match="positive"):
        open_capture(tmp_path, fps=0)


@pytest.mark.parametrize("channels", [0, 2, 4])
def test_pictures_are_grey_or_in_color(tmp_path, make_video, channels):
    path = make_video(tmp_path / "a.mp4", 3)
    with pytest.raises(ValueError, match=f"found {channels}"):
        open_capture(path, channels=channels)


def test_an_array_of_no_pictures_is_refused_before_it_is_played(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((4, 32, 32, 3), np.float32))
    with pytest.raises(MediaError, match=r"a\.npy: expected pictures.*found float32"):
        open_capture(tmp_path / "a.npy", fps=10)


def test_an_array_without_pictures_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((0, 8, 8, 3), np.uint8))
    with pytest.raises(MediaError, match=r"a\.npy: expected at least one picture, found none"):
        open_capture(tmp_path / "a.npy", fps=5)


def test_half_of_a_file_whose_times_are_of_packets_loses_no_frame(tmp_path, make_video, numbers_in):
    path = make_video(tmp_path / "a.avi", 120, fps=10, codec="mpeg4", options={"bf": "2", "g": "6"})
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 6 // 10])
    found, error = collect(open_capture(path))
    assert len(found) > 10
    assert numbers_in(np.stack([frame.pixels for frame in found])) == list(range(len(found)))
    np.testing.assert_allclose([f.time_s for f in found], np.arange(len(found)) / 10)
    assert "120 frames" in str(error)
