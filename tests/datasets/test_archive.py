"""Zip archives: read also within each other, refused where they are no recordings."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worn_files import fault, zip_of

from onebody.datasets import archive
from onebody.datasets.archive import archive_files


def test_files_of_an_archive_within_an_archive(tmp_path):
    inner = zip_of({"b.csv": "2", "readme.txt": "no"})
    path = tmp_path / "a.zip"
    path.write_bytes(zip_of({"x/in.zip": inner, "a.csv": "1", "__MACOSX/._a.csv": "mac"}))
    assert list(archive_files(path)) == [("a.csv", b"1"), ("x/in.zip!b.csv", b"2")]


@pytest.mark.parametrize(
    "name", ["../a.csv", "/etc/a.csv", "x/../../a.csv", "c:/a.csv", "..\\a.csv"]
)
def test_a_member_that_leads_out_is_refused(tmp_path, name):
    path = tmp_path / "a.zip"
    path.write_bytes(zip_of({name: "1"}))
    with pytest.raises(ValueError, match="leads out of the archive"):
        list(archive_files(path))


def test_members_and_archives_have_a_size(tmp_path, monkeypatch):
    path = tmp_path / "a.zip"
    path.write_bytes(zip_of({"a.csv": "1" * 100, "b.csv": "2" * 100}))
    monkeypatch.setattr(archive, "MAX_TOTAL_BYTES", 150)
    with pytest.raises(ValueError, match=r"unpacks to more than it says, .* at 'b.csv'"):
        list(archive_files(path))
    monkeypatch.setattr(archive, "MAX_MEMBER_BYTES", 99)
    with pytest.raises(ValueError, match="members of at most"):
        list(archive_files(path))


def test_archives_three_deep_are_refused(tmp_path):
    path = tmp_path / "a.zip"
    path.write_bytes(zip_of({"b.zip": zip_of({"c.zip": zip_of({"d.csv": "1"})})}))
    with pytest.raises(ValueError, match="nested deeper than 2"):
        list(archive_files(path))


def test_a_member_that_unpacks_to_more_than_it_says_is_refused(tmp_path):
    content = b"7" * 1000
    good = io.BytesIO()
    with zipfile.ZipFile(good, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("a.csv", content)
    data = good.getvalue().replace(struct.pack("<L", 1000), struct.pack("<L", 10))
    path = tmp_path / "a.zip"
    path.write_bytes(data)
    assert zlib.crc32(content)
    with pytest.raises(ValueError, match=r"a\.zip: expected a readable zip archive"):
        list(archive_files(path))


@given(cut=st.integers(0, 300), at=st.integers(0, 299), byte=st.integers(0, 255))
def test_damage_is_said_or_harmless(tmp_path_factory, cut, at, byte):
    data = bytearray(zip_of({"in.zip": zip_of({"b.csv": "1,2,3\n" * 30}), "a.csv": "4,5\n" * 20}))
    data[at % len(data)] = byte
    path = tmp_path_factory.mktemp("z") / "a.zip"
    path.write_bytes(bytes(data[: len(data) - cut % 50]))
    said = fault(lambda: list(archive_files(path)))
    assert not said or "a.zip" in said
