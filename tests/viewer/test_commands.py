"""What pages say is read strictly."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onebody.viewer.commands import (
    Again,
    Seen,
    Start,
    Stop,
    join_result,
    read_command,
    split_picture,
    split_result,
)


@pytest.mark.parametrize("kind", [Start, Stop, Again, Seen])
def test_commands_are_known_by_name(kind):
    name = kind.__name__.lower()
    assert read_command(f'{{"do": "{name}"}}', 100) == kind(do=name)


@pytest.mark.parametrize(
    "text", ["", "{}", '{"do": "rm"}', '{"do": "stop", "why": 1}', '["stop"]', "1", "NaN", "\x00"]
)
def test_others_are_refused(text):
    with pytest.raises(ValueError, match="no command"):
        read_command(text, 100)


def test_a_long_one_is_not_looked_at():
    with pytest.raises(ValueError, match="at most 10"):
        read_command('{"do": "stop"}', 10)


def test_pictures_are_numbered():
    assert split_picture(b"\x01\x02\x00\x00jpeg") == (513, b"jpeg")
    with pytest.raises(ValueError, match="too few"):
        split_picture(b"\x01\x02\x00\x00")


@settings(max_examples=30)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=50), st.binary(max_size=50))
def test_results_are_taken_apart_as_they_were_joined(text, jpeg):
    assert split_result(join_result(text, jpeg)) == (text, jpeg)
