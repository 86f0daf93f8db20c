"""Whatever bytes a manifest has, it gives rows or one clear ValueError."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onebody.data import SampleTable
from onebody.datasets.defects import Defect
from onebody.datasets.manifest import MAX_LINE, Record, read_records
from onebody.datasets.own import OwnConfig, build_own

FAST = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
GOOD = 'media,start,end,subject,action\na.mp4,0,1,s1,walk\n"b, c.mp4",,,s2,run\n'


def _read(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(read_records(path))


def _one_defect(path, content) -> Defect:
    found = [r for r in _read(path, content) if isinstance(r, Defect)]
    assert len(found) == 1
    assert str(path) in str(found[0])
    return found[0]


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("blank", ["", "\n", ",,,,\n", "  \n"])
def test_spellings_of_one_csv(tmp_path, mark, end, blank):
    lines = GOOD.splitlines(keepends=True)
    content = mark + (lines[0] + blank + lines[1] + blank + lines[2]).replace("\n", end)
    first, second = _read(tmp_path / "m.csv", content)
    shift = 1 if blank else 0
    assert first == Record(
        2 + shift, {"media": "a.mp4", "start": "0", "end": "1", "subject": "s1", "action": "walk"}
    )
    assert second == Record(3 + 2 * shift, {"media": "b, c.mp4", "subject": "s2", "action": "run"})


def test_quoted_line_breaks_keep_the_line_count(tmp_path):
    content = 'media,action\na.mp4,"two\nlines"\nb.mp4,walk\nc.mp4\n'
    first, second, fault = _read(tmp_path / "m.csv", content)
    assert (first.line, first.values["action"]) == (2, "two\nlines")
    assert second.line == 4
    assert fault.record == 5


@pytest.mark.parametrize(
    ("content", "record", "words"),
    [
        ("", 0, "an empty file"),
        ("\n\n", 0, "an empty file"),
        ("media;action\na.mp4;walk\n", 1, "semicolons"),
        ("media\taction\n", 1, "tabs"),
        ("media,action,action\na,b,c\n", 1, "it twice"),
        ("media,,action\na,b,c\n", 1, "none for column 2"),
        ("media,action\na.mp4,walk,extra\n", 2, "expected 2 columns, found 3 ('a.mp4,walk,extra')"),
        ("media,action\na.mp4\n", 2, "expected 2 columns, found 1"),
        ('media,action\n"a.mp4,walk\n', 2, "unexpected end of data"),
        ('media,action\n"a"b,walk\n', 2, "expected after"),
        (b"media,action\na.mp4,w\xe4lk\n", 2, "byte 0xe4 at position 8"),
        ("media,action\na.mp4,walk\0\n", 2, "a NUL character"),
        ("media,action".encode("utf-16"), 1, "byte 0xff at position 1"),
        ("media,action\na.mp4,walk\rb.mp4,run\n", 2, "new-line character"),
        ("media\n" + "x" * (MAX_LINE + 1), 2, "more than"),
    ],
)
def test_faults_of_form_name_line_and_remedy(tmp_path, content, record, words):
    defect = _one_defect(tmp_path / "m.csv", content)
    assert defect.record == record
    assert words in str(defect)
    assert defect.remedy


def test_reading_goes_on_behind_a_fault(tmp_path):
    content = 'media,action\na.mp4\nb.mp4,walk\n"c"d,run\ne.mp4,run\n'
    found = _read(tmp_path / "m.csv", content)
    assert [type(r).__name__ for r in found] == ["Defect", "Record", "Defect", "Record"]
    assert [r.line if isinstance(r, Record) else r.record for r in found] == [2, 3, 4, 5]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "JSON object"),
        ("[1]", "found list"),
        ('{"media": "a.mp4", "media": "b.mp4"}', "the key 'media' twice"),
        ('{"media": "a.mp4", "start": NaN}', "NaN, which is no JSON"),
        ('{"media": "a.mp4", "action": true}', "found True"),
        ('{"media": "a.mp4", "action": ["walk"]}', "found ['walk']"),
        ('{"media": "a\\u0000"}', "no NUL characters"),
        ('{"media": "a\\ud800"}', "no lone surrogates"),
        ('{"": 1}', "Give every key a name"),
        ("[" * 5000, "JSON object"),
        ('{"start": ' + "9" * 5000 + "}", "JSON object"),
    ],
)
def test_faults_of_json_lines(tmp_path, line, words):
    content = '{"media": "x.mp4"}\n\n' + line + '\n{"media": "y.mp4"}\n'
    found = _read(tmp_path / "m.jsonl", content)
    assert [type(r).__name__ for r in found] == ["Record", "Defect", "Record"]
    assert found[1].record == 3
    assert words in str(found[1])


def test_json_values_become_texts(tmp_path):
    line = {"media": " a.mp4 ", "start": 0.5, "action": 3, "subject": None, "camera": ""}
    (record,) = _read(tmp_path / "m.jsonl", json.dumps(line))
    assert record.values == {"media": "a.mp4", "start": "0.5", "action": "3"}


def test_what_cannot_be_opened(tmp_path):
    (defect,) = read_records(tmp_path / "gone.csv")
    assert "No such file" in str(defect)
    (defect,) = read_records(tmp_path)
    assert "found a folder" in str(defect)


def assert_table_or_value_error(path, content: bytes, *names: str) -> None:
    path.write_bytes(content)
    try:
        table = build_own(OwnConfig(manifest=path))
    except ValueError as error:
        text = str(error)
        assert any(name in text for name in (path.name, *names))
        assert "expected" in text
        assert "found" in text
        assert len(text) < 2000
    else:
        assert isinstance(table, SampleTable)
        assert len(table)


@FAST
@given(st.binary(max_size=300))
@pytest.mark.parametrize("name", ["m.csv", "m.jsonl"])
def test_random_bytes(tmp_path, name, content):
    assert_table_or_value_error(tmp_path / name, content)


CELL = st.text("ab.4-e \t\r;'#!\0\x85ü\u2028\ufeff", max_size=8)


@FAST
@given(
    st.lists(st.lists(CELL, max_size=6).map(",".join), max_size=8),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_ragged_rows(tmp_path, rows, end, mark):
    header = "media,start,end,subject,action"
    content = ("\ufeff" if mark else "") + end.join([header, *rows])
    assert_table_or_value_error(tmp_path / "m.csv", content.encode())


@FAST
@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_one_altered_byte(tmp_path, at, change):
    content = bytearray(GOOD.encode())
    content[at] ^= change
    assert_table_or_value_error(tmp_path / "m.csv", bytes(content))


VALUE = st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5) | st.just([1])


@FAST
@given(
    st.lists(
        st.dictionaries(st.sampled_from(["media", "start", "end", "fx", "a", ""]), VALUE),
        max_size=5,
    )
)
def test_random_json_records(tmp_path, records):
    content = "\n".join(json.dumps(record) for record in records)
    assert_table_or_value_error(tmp_path / "m.jsonl", content.encode())


@FAST
@given(st.binary(max_size=200))
def test_random_sidecars(tmp_path, content):
    (tmp_path / "m.yaml").write_bytes(content)
    assert_table_or_value_error(tmp_path / "m.csv", GOOD.encode(), "m.yaml")
