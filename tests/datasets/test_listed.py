"""Lists and media that go together, in any order of faults."""

from __future__ import annotations

from dataclasses import replace

import pytest

from onebody.datasets.listed import (
    Listed,
    check_unique,
    class_of,
    find_media,
    numbered_classes,
    place_clips,
    read_list,
)


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def clips(path, **given):
    """One clip a line, in training."""
    return [
        Listed(line=line, name=line.text, key=line.text, label="", split="train", **given)
        for line in read_list(path)
    ]


def test_lines_with_a_byte_order_mark_and_carriage_returns(tmp_path):
    lines = read_list(write(tmp_path / "a.txt", b"\xef\xbb\xbfone 1\r\n\r\n  two 2 \r\n"))
    assert [(line.number, line.text) for line in lines] == [(1, "one 1"), (3, "two 2")]
    assert str(lines[1]) == "a.txt:3"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "a.txt: expected lines, found an empty file"),
        (b"\r\n \n", "a.txt: expected lines, found an empty file"),
        (b"a\nb\xff\n", "a.txt:2: expected UTF-8 text, found byte 0xff"),
        (b"a\nb\0\n", "a.txt:2: expected UTF-8 text, found a NUL"),
    ],
)
def test_what_is_no_list(tmp_path, content, message):
    file = write(tmp_path / "a.txt", content)
    with pytest.raises(ValueError, match=message.replace(".", r"\.")):
        read_list(file)


def test_a_list_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match=r"none\.txt: expected a list file, found No such file"):
        read_list(tmp_path / "none.txt")
    with pytest.raises(ValueError, match="expected a list file, found a folder"):
        read_list(tmp_path)


def test_numbered_classes(tmp_path):
    assert numbered_classes(write(tmp_path / "c.txt", "2 Run far\n1 Walk\n")) == ("Walk", "Run far")
    for text, message in {
        "1 Walk\n1 Run\n": r"c\.txt:2: .* each once",
        "1 Walk\n2 Walk\n": r"c\.txt:2: .* each once",
        "0 Walk\n1 Run\n": "class numbers from 1 to 2, found none with 2",
        "1 Walk\n3 Run\n": "class numbers from 1 to 2, found none with 2",
        "Walk\n": r"c\.txt:1: expected a number and a class name",
    }.items():
        with pytest.raises(ValueError, match=message):
            numbered_classes(write(tmp_path / "c.txt", text))


def test_a_clip_listed_twice_is_named_with_both_lines(tmp_path):
    file = write(tmp_path / "a.txt", "x\ny\nx\n")
    with pytest.raises(
        ValueError, match=r"a\.txt:3: expected each clip once, found 'x' at a\.txt:1"
    ):
        check_unique(clips(file))


def test_media_are_found_by_name_without_suffix_and_case(tmp_path):
    for name in ("Run/A b#1.AVI", "Run/c.txt", "Run/.d.avi", "walk/e.mp4", "f.avi"):
        write(tmp_path / name, "")
    assert find_media(tmp_path, 2) == {
        "run/a b#1": [f"{tmp_path}/Run/A b#1.AVI"],
        "walk/e": [f"{tmp_path}/walk/e.mp4"],
    }
    assert list(find_media(tmp_path, 1)) == ["f"]
    assert list(find_media(tmp_path, 1, folders=True)) == ["run", "walk"]
    with pytest.raises(ValueError, match="none: expected the folder of the media, found none"):
        find_media(tmp_path / "none", 1)


def test_missing_media_are_refused_or_counted(tmp_path):
    listed = clips(write(tmp_path / "a.txt", "x\ny\nz\n"))
    found = {"y": ["y.avi"]}
    with pytest.raises(
        ValueError, match=r"a\.txt:1: .*no 'x' there \(2 of 3 listed clips are miss"
    ):
        place_clips("set", listed, found, tmp_path, "refuse")
    with pytest.warns(UserWarning, match="set: 2 of 3 listed clips are not below .* left out"):
        kept, sources = place_clips("set", listed, found, tmp_path, "drop")
    assert [clip.name for clip in kept] == ["y"]
    assert sources == ["y.avi"]
    with pytest.raises(ValueError, match=r"3 of 3 listed clips are missing"):
        place_clips("set", listed, {}, tmp_path, "drop")


def test_lists_that_use_no_clip(tmp_path):
    listed = clips(write(tmp_path / "a.txt", "x\n"))
    unused = [replace(clip, split="") for clip in listed]
    with pytest.raises(ValueError, match=r"a\.txt: expected clips that are used, found none"):
        place_clips("set", unused, {"x": ["x.avi"]}, tmp_path, "drop")


def test_media_in_no_list_are_said_and_two_files_of_a_clip_refused(tmp_path):
    listed = clips(write(tmp_path / "a.txt", "x\n"))
    with pytest.warns(UserWarning, match=r"1 clips below .* stand in no list \(first: 'y'\)"):
        place_clips("set", listed, {"x": ["x.avi"], "y": ["y.avi"]}, tmp_path, "refuse")
    with pytest.raises(ValueError, match=r"a\.txt:1: expected one file, found 2: x\.avi, x\.mp4"):
        place_clips("set", listed, {"x": ["x.avi", "x.mp4"]}, tmp_path, "refuse")


def test_a_class_that_is_none_is_answered_with_the_nearest(tmp_path):
    (line,) = read_list(write(tmp_path / "a.txt", "x\n"))
    assert class_of(line, "WALK", {"walk": "Walk"}) == "Walk"
    with pytest.raises(ValueError, match=r"a\.txt:1: expected one of 1 classes, found 'Wlk'"):
        class_of(line, "Wlk", {"walk": "Walk"})
