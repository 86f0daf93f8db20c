"""What a study finds out once is kept, and a damaged file is named."""

import json

import pytest

from onebody.studies.known import FILE, Known


def test_what_is_known_is_found_out_once(tmp_path):
    calls: list[int] = []
    for _ in range(2):
        known = Known(tmp_path)
        assert known.ask("key", lambda: calls.append(1) or {"steps": 3}) == {"steps": 3}
    assert calls == [1]


@pytest.mark.parametrize("text", ["", "[]"])
def test_a_damaged_file_is_named(tmp_path, text):
    (tmp_path / FILE).write_text(text)
    with pytest.raises(ValueError, match=r"known\.json: damaged, .*found out again"):
        Known(tmp_path)


def test_a_preview_of_another_version_is_named(tmp_path, tiny_recipe):
    known = Known(tmp_path)
    assert known.preview(tiny_recipe).steps == 2
    values = json.loads((tmp_path / FILE).read_text())
    (tmp_path / FILE).write_text(json.dumps({key: {"steps": 3} for key in values}))
    with pytest.raises(ValueError, match="differs in parameters, rows, validations"):
        Known(tmp_path).preview(tiny_recipe)
