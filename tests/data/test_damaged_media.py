"""Truncated, empty and altered media: named, never read as if they were whole.

Videos carry no checksum over their pictures. Measured with the recordings used here, 20 draws a
cell: of the alterations that change a picture or are noticed, the share that no decoder notices.

==========================  ========================  ==========
altered within the file     MP4 (H.264)               AVI (XviD)
==========================  ========================  ==========
one byte                    10 %                      23 %
20 bytes in a row           20 %                      none
200 bytes in a row          none                      none
==========================  ========================  ==========

A decoder that is told to be stricter notices no more (and a still stricter one flags intact XviD).
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from onebody.data.inspect import find_flaws
from onebody.data.sources import MediaError, probe, read_frames

COUNTS = {"mp4": 300, "avi": 164}
MOST_UNNOTICED = 0.3
"""Share that passes unnoticed, at most, in any cell of the table above."""


@pytest.fixture(scope="session", params=["mp4", "avi"])
def recording(request, shared) -> Path:
    path = shared / "data" / "formats" / "mmaction2" / f"test.{request.param}"
    if not path.exists():
        pytest.skip(f"no recording {path.name} in the folder 'shared'")
    return path


def _write(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return str(path)


def _alter(data: bytes, seed: int, length: int) -> bytes:
    """Change ``length`` bytes in a row, somewhere between a tenth and eight tenths of the file."""
    rng = np.random.default_rng(seed)
    altered = bytearray(data)
    at = int(rng.integers(len(data) // 10, len(data) * 8 // 10))
    for i in range(at, at + length):
        altered[i] ^= int(rng.integers(1, 256))
    return bytes(altered)


def test_intact_recordings_have_no_flaws(recording):
    assert find_flaws(str(recording)) == []
    assert probe(str(recording)).num_frames == COUNTS[recording.suffix[1:]]


@pytest.mark.parametrize("share", [0.02, 0.25, 0.5, 0.9])
def test_truncated_recordings_are_named(recording, tmp_path, share):
    data = recording.read_bytes()
    name = f"truncated{recording.suffix}"
    source = _write(tmp_path / name, data[: int(len(data) * share)])
    for use in (probe, find_flaws, lambda s: read_frames(s, np.array([0]))):
        with pytest.raises(MediaError, match=name):
            use(source)


def test_a_short_file_says_header_and_frames(recording, tmp_path):
    if recording.suffix != ".avi":
        pytest.skip("an MP4 cut in half has lost its table and cannot be opened at all")
    data = recording.read_bytes()
    source = _write(tmp_path / "half.avi", data[: len(data) // 2])
    with pytest.raises(MediaError, match=r"expected 164 frames, as its header says, found 7[67]"):
        read_frames(source, np.array([100]))


def test_empty_files_are_named(recording, tmp_path):
    source = _write(tmp_path / f"empty{recording.suffix}", b"")
    for use in (probe, find_flaws, lambda s: read_frames(s, np.array([0]))):
        with pytest.raises(MediaError, match="an empty file"):
            use(source)


def test_what_is_noticed_deep_is_noticed_in_reading(recording, tmp_path):
    """Altered pictures never come out of an ordinary reading if anybody could have noticed."""
    indices = np.arange(COUNTS[recording.suffix[1:]])
    tried = 0
    for seed in range(1, 3):  # some hit the sound, not a picture
        altered = _alter(recording.read_bytes(), seed, 200)
        source = _write(tmp_path / f"{seed}{recording.suffix}", altered)
        if find_flaws(source):
            tried += 1
            with pytest.raises(MediaError, match=r"damaged|header"):
                read_frames(source, indices)
    assert tried


@pytest.mark.parametrize(("length", "draws"), [(1, 8), (20, 4)])
def test_share_of_altered_bytes_that_is_noticed(recording, tmp_path, length, draws):
    """Most alterations are noticed; the rest is stated, not denied."""
    altered, unnoticed = _count(recording, tmp_path, length, draws)
    assert altered >= draws // 4
    assert unnoticed <= max(2, MOST_UNNOTICED * altered)


@pytest.mark.slow
@pytest.mark.parametrize("length", [1, 20, 200])
def test_all_draws(recording, tmp_path, length):
    altered, unnoticed = _count(recording, tmp_path, length, 20)
    assert altered >= 8
    assert unnoticed <= MOST_UNNOTICED * altered
    assert unnoticed == 0 or length < 200


def _count(recording: Path, folder: Path, length: int, draws: int) -> tuple[int, int]:
    """Count the draws that alter a picture, and those of them that nobody notices."""
    data = recording.read_bytes()
    indices = np.arange(COUNTS[recording.suffix[1:]])
    whole = read_frames(str(recording), indices, channels=1)
    noticed = unnoticed = 0
    for seed in range(draws):
        source = _write(folder / f"{seed}{recording.suffix}", _alter(data, seed, length))
        try:
            flaws = len(find_flaws(source))
        except MediaError:
            flaws = 1
        if flaws:
            noticed += 1
        else:
            unnoticed += not np.array_equal(read_frames(source, indices, channels=1), whole)
        Path(source).unlink()
    return noticed + unnoticed, unnoticed


def _damage_frame(path: Path, frame: int) -> None:
    """Overwrite the inside of one frame's packet."""
    import av

    with av.open(str(path)) as container:
        packets = [p for p in container.demux(video=0) if p.size]
        packet = sorted(packets, key=lambda p: p.pts)[frame]
        at, size = packet.pos, packet.size
    data = bytearray(path.read_bytes())
    noise = np.random.default_rng(frame).integers(0, 256, size * 3 // 4, np.uint8)
    data[at + size // 4 : at + size // 4 + len(noise)] = noise.tobytes()
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("frame", [24, 28])
def test_frames_predicted_from_a_damaged_one_are_refused(tmp_path, make_video, numbers_in, frame):
    """Group of pictures 24 to 35 is hit: it is refused from the damage on, the others are read."""
    options = {"preset": "ultrafast", "bf": "0", "g": "12"}
    path = make_video(tmp_path / "clip.mp4", 60, options=options)
    _damage_frame(path, frame)
    flaws = find_flaws(str(path))
    assert flaws[0].first == frame
    assert flaws[0].last == 35
    assert numbers_in(read_frames(str(path), np.array([5, 20, 40]))) == [5, 20, 40]
    for lost in (frame, 31, 35):
        with pytest.raises(MediaError, match=rf"60 frames.*frame {lost} damaged"):
            read_frames(str(path), np.array([40, lost]))


def test_damage_is_noticed_before_the_frames_that_follow_are_counted(tmp_path, make_video):
    """AVI frames are known by counting alone: behind a lost one every number would be wrong."""
    options = {"bf": "2", "g": "12"}
    path = make_video(tmp_path / "clip.avi", 60, codec="mpeg4", options=options)
    _damage_frame(path, 24)
    with pytest.raises(MediaError, match="damaged or not decodable"):
        read_frames(str(path), np.array([50]))


def test_a_matroska_file_knows_its_length(tmp_path, make_video):
    options = {"preset": "ultrafast", "g": "6"}
    path = make_video(tmp_path / "clip.mkv", 200, options=options)
    data = path.read_bytes()
    source = _write(tmp_path / "half.mkv", data[: len(data) // 2])
    with pytest.raises(MediaError, match=r"expected 200 frames, as its header says, found \d+"):
        probe(source)


def test_folders_name_every_broken_picture(tmp_path):
    for number in range(4):
        noise = np.random.default_rng(number).integers(0, 255, (32, 32, 3), np.uint8)
        Image.fromarray(noise).save(tmp_path / f"{number}.png")
    data = (tmp_path / "1.png").read_bytes()
    (tmp_path / "1.png").write_bytes(data[: len(data) // 2])
    (tmp_path / "3.png").write_bytes(b"")
    flaws = find_flaws(str(tmp_path))
    assert [(flaw.first, flaw.last) for flaw in flaws] == [(1, 1), (3, 3)]
    assert "1.png" in flaws[0].what
    assert "empty" in flaws[1].what


def test_a_damaged_zip_member_is_named(tmp_path):
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("clip.mp4", bytes(5000))
    data = bytearray(archive.read_bytes())
    data[1000] ^= 255
    archive.write_bytes(bytes(data))
    with pytest.raises(MediaError, match="readable zip member"):
        find_flaws(f"{archive}!clip.mp4")
