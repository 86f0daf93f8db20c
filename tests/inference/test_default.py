"""The network of the package, or why there is none."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from onebody.inference.default import FOLDER, demo_notice, load_default
from onebody.models import blank_batch, save_network
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


def test_the_package_brings_one_with_a_card():
    saved = load_default()
    assert saved.network.causal
    assert set(saved.network.tasks) == {"pose2d", "pose3d", "action", "gesture", "kind", "movement"}
    assert "simulated people" in demo_notice(saved)
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 16 * 2**20
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert all(word in card for word in ("trained on", "cannot do", "License", demo_notice(saved)))


def test_its_clips_and_streams_agree_however_they_are_cut():
    saved = load_default()
    spec = saved.input.model_copy(update={"frames": 9})
    blank = blank_batch(spec)
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand((1, 3, 9, 24, 24), generator=generator)
    frames = torch.nn.functional.interpolate(coarse, (9, spec.size, spec.size), mode="trilinear")
    with torch.inference_mode():
        whole = saved.network([replace(blank, inputs={"rgb": frames})])[0]
        for cuts in ((1,) * 9, (4, 1, 4)):
            state, said = {}, {name: [] for name in whole}
            for part in frames.split(cuts, 2):
                step = blank_batch(spec.model_copy(update={"frames": part.shape[2]}))
                step = replace(step, inputs={"rgb": part})
                outputs, state = saved.network.stream(step, state)
                for name, values in outputs.items():
                    said[name].append(values[-1])
            for name, values in said.items():
                torch.testing.assert_close(torch.cat(values, 1), whole[name][-1], atol=1e-5, rtol=0)
