"""Videos are H.264, yuv420p, whole, and have the right frames."""

from __future__ import annotations

import av
import numpy as np
import pytest

from onebody.inference import write_video


def frames(count, height=32, width=48):
    """Frames whose brightness tells their number."""
    for i in range(count):
        yield np.full((height, width, 3), 20 + 10 * i, np.uint8)


def read(path):
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
        return stream, np.stack(pictures)


def test_a_browser_can_play_it(tmp_path):
    path = tmp_path / "a.mp4"
    assert write_video(path, frames(12), 25.0) == 12
    stream, pictures = read(path)
    assert stream.codec_context.name == "h264"
    assert stream.codec_context.pix_fmt == "yuv420p"
    assert stream.average_rate == 25
    assert stream.frames == 12
    assert pictures.shape == (12, 32, 48, 3)
    np.testing.assert_allclose(pictures.mean(axis=(1, 2, 3)), 20 + 10 * np.arange(12), atol=4)


def test_the_index_stands_before_the_pictures(tmp_path):
    path = tmp_path / "a.mp4"
    write_video(path, frames(5), 30.0)
    data = path.read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize("fps", [29.97, 30000 / 1001, 12.5, 15.0])
def test_frame_rates_are_kept(tmp_path, fps):
    write_video(tmp_path / "a.mp4", frames(4), fps)
    assert float(read(tmp_path / "a.mp4")[0].average_rate) == pytest.approx(fps, rel=1e-3)


@pytest.mark.parametrize(("height", "width"), [(31, 48), (32, 47), (31, 47)])
def test_odd_sizes_get_their_last_row_or_column_twice(tmp_path, height, width):
    write_video(tmp_path / "a.mp4", frames(2, height, width), 10.0)
    assert read(tmp_path / "a.mp4")[1].shape[1:3] == (height + height % 2, width + width % 2)


def test_grey_frames_are_written(tmp_path):
    write_video(tmp_path / "a.mp4", (f[..., :1] for f in frames(3)), 10.0)
    assert len(read(tmp_path / "a.mp4")[1]) == 3


def test_folders_are_made_and_nothing_else_is_left(tmp_path):
    write_video(tmp_path / "x" / "y" / "a.mp4", frames(2), 10.0)
    assert [p.name for p in (tmp_path / "x" / "y").iterdir()] == ["a.mp4"]


def test_an_interrupted_writing_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"old")

    def broken():
        yield from frames(2)
        raise RuntimeError("lost")

    with pytest.raises(RuntimeError, match="lost"):
        write_video(path, broken(), 10.0)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_no_frames_are_refused(tmp_path):
    with pytest.raises(ValueError, match="no frames"):
        write_video(tmp_path / "a.mp4", [], 10.0)
    assert not list(tmp_path.iterdir())


def test_changing_sizes_are_refused(tmp_path):
    mixed = [*frames(1), *frames(1, 64, 64)]
    with pytest.raises(ValueError, match="frame 1 has shape"):
        write_video(tmp_path / "a.mp4", mixed, 10.0)


@pytest.mark.parametrize("fps", [0.0, -5.0, float("nan")])
def test_impossible_rates_are_refused(tmp_path, fps):
    with pytest.raises(ValueError, match="should be positive"):
        write_video(tmp_path / "a.mp4", frames(1), fps)


def test_other_formats_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"\.mp4, found \.avi"):
        write_video(tmp_path / "a.avi", frames(1), 10.0)


def test_what_no_encoder_takes_is_said_with_its_file(tmp_path):
    with pytest.raises(ValueError, match=r"a\.mp4: expected to write a video"):
        write_video(tmp_path / "a.mp4", [np.zeros((2, 16386, 3), np.uint8)], 1.0)
    assert list(tmp_path.iterdir()) == []
