"""Files of plain values: whole or not at all, and damaged ones named."""

from dataclasses import dataclass, field

import pytest

from onebody.training.kept import check_fields, read_values, write_values


@dataclass
class Note:
    """Something kept."""

    text: str
    count: int
    more: list[int] = field(default_factory=list)
    again: int = 1


def test_what_is_written_is_read_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "note.json"
    write_values(path, {"text": "old"})
    write_values(path, {"text": "new", "parts": [1, None]}, indent=2)
    assert read_values(path, "") == {"text": "new", "parts": [1, None]}
    assert [file.name for file in tmp_path.iterdir()] == ["note.json"]
    assert path.read_text().startswith('{\n  "text"')


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "note.json"
    write_values(path, {"text": "old"})
    with pytest.raises(TypeError):
        write_values(path, {"text": object()})
    assert read_values(path, "") == {"text": "old"}


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "expected JSON"), (b"\xff", "expected JSON"), (b"[]", "expected named values.*list")],
)
def test_a_damaged_file_is_named(tmp_path, content, message):
    path = tmp_path / "note.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"note\.json: damaged, {message}.* Delete it\."):
        read_values(path, "Delete it.")


def test_values_of_another_kind_are_named(tmp_path):
    path = tmp_path / "note.json"
    check_fields(path, {"text": "a", "count": 1, "again": 2}, Note, "")
    with pytest.raises(ValueError, match=r"differs in count, size\)\. Delete it\."):
        check_fields(path, {"text": "a", "size": 1}, Note, "Delete it.")
