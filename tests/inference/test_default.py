"""The network of the package, or why there is none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from onebody.inference.default import demo_notice, load_default
from onebody.models import save_network
from stream_networks import tiny_stream


def test_without_it_one_is_told_what_to_do(tmp_path):
    with pytest.raises(ValueError, match=r"comes without a network.*onebody train"):
        load_default(tmp_path / "none")


def test_it_is_read_with_what_it_must_not_be_taken_for(tmp_path):
    saved = tiny_stream(notes={"demo": "demo weights"})
    save_network(
        tmp_path / "own", saved.network, config=saved.config, tasks=saved.tasks,
        input=saved.input, notes=dict(saved.notes),
    )  # fmt: skip
    found = load_default(tmp_path / "own")
    assert set(found.network.tasks) == set(saved.network.tasks)
    assert not found.network.training
    assert demo_notice(found) == "demo weights"
    assert demo_notice(replace(found, notes={})) == ""
