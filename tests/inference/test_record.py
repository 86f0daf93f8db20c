"""Recordings play, keep their times, and outlive whoever wrote them."""

from __future__ import annotations

import shutil
from contextlib import suppress

import av
import numpy as np
import pytest

from onebody.inference.record import Recorder, numbered


def picture(number: int, height: int = 48, width: int = 64) -> np.ndarray:
    """Return a picture whose brightness is its number."""
    return np.full((height, width, 3), 20 + 2 * number, np.uint8)


def frames_of(path):
    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        assert container.streams.video[0].pix_fmt == "yuv420p"
        return [
            (f.time, round(float(f.to_ndarray(format="gray").mean())))
            for f in container.decode(video=0)
        ]


def test_a_recording_keeps_pictures_and_their_times(tmp_path):
    path = tmp_path / "new" / "out.mp4"
    times = [5.0, 5.04, 5.3, 6.5, 6.6]  # a camera that stumbles
    with Recorder(path) as recorder:
        assert [recorder.write(picture(10 * n), t) for n, t in enumerate(times)] == [True] * 5
    found = frames_of(path)
    assert [time for time, _ in found] == pytest.approx([0, 0.04, 0.3, 1.5, 1.6], abs=1e-3)
    assert np.diff([brightness for _, brightness in found]).tolist() == pytest.approx(
        [20] * 4, abs=3
    )


def test_a_recording_cut_off_has_all_but_its_last_piece(tmp_path):
    recorder = Recorder(tmp_path / "out.mp4")
    for number in range(100):
        recorder.write(picture(number), number / 25)
    shutil.copy(recorder.path, tmp_path / "cut.mp4")  # what is there when the program is killed
    recorder.close()
    assert len(frames_of(recorder.path)) == 100
    assert len(frames_of(tmp_path / "cut.mp4")) >= 75
    whole = (tmp_path / "cut.mp4").read_bytes()
    (tmp_path / "torn.mp4").write_bytes(whole[: len(whole) * 2 // 3])
    count = 0
    with av.open(str(tmp_path / "torn.mp4")) as container, suppress(av.error.InvalidDataError):
        for count, _ in enumerate(container.decode(video=0), start=1):  # noqa: B007
            pass
    assert 25 <= count < 75


def test_odd_sizes_lose_a_row_and_a_column(tmp_path):
    with Recorder(tmp_path / "out.mp4") as recorder:
        recorder.write(picture(1, 49, 65), 0.0)
    with av.open(str(tmp_path / "out.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.height, stream.width) == (48, 64)


def test_a_picture_that_is_not_later_is_left_out(tmp_path):
    with Recorder(tmp_path / "out.mp4") as recorder:
        assert recorder.write(picture(1), 1.0)
        assert not recorder.write(picture(2), 1.0)
        assert not recorder.write(picture(2), 0.5)
    assert recorder.written == len(frames_of(recorder.path)) == 1


def test_another_size_is_refused_and_nothing_is_lost(tmp_path):
    with Recorder(tmp_path / "out.mp4") as recorder:
        recorder.write(picture(1), 0.0)
        with pytest.raises(ValueError, match=r"expected pictures of shape \(48, 64, 3\)"):
            recorder.write(picture(1, 96, 64), 0.1)
        recorder.write(picture(2), 0.2)
    assert len(frames_of(recorder.path)) == 2


def test_nothing_is_written_over(tmp_path):
    path = tmp_path / "out.mp4"
    path.write_bytes(b"precious")
    with pytest.raises(ValueError, match="expected a new file"):
        Recorder(path)
    assert path.read_bytes() == b"precious"
    with pytest.raises(ValueError, match=r"found \.avi"):
        Recorder(tmp_path / "out.avi")


def test_without_pictures_there_is_no_file(tmp_path):
    with Recorder(tmp_path / "out.mp4"):
        pass
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match="2x2"):
        Recorder(tmp_path / "out.mp4").write(np.zeros((1, 1, 3), np.uint8), 0.0)


def test_takes_are_numbered(tmp_path):
    names = [numbered(tmp_path / "out.mp4", n).name for n in (1, 2, 12)]
    assert names == ["out.mp4", "out-2.mp4", "out-12.mp4"]
