import pytest
import torch
from model_helpers import batch_for, by_name, cut, frames, make_network

from onebody.config import read_config
from onebody.models import InputShape, blank_state
from onebody.models.recurrent import RecurrentConfig, RecurrentStage, build_recurrent

RGB = {"rgb": InputShape(channels=3)}
SKELETON = {"skeleton": InputShape(channels=3, skeleton="kinect-20")}


def test_a_gru_is_what_one_computes_by_hand() -> None:
    torch.manual_seed(0)
    stage = RecurrentStage(3, 4, 1, "gru", 0.0).eval()
    x = torch.rand(1, 3, 2)
    found, state = stage(x, {})
    hidden = torch.zeros(4)
    cell = stage.cells[0]
    for frame in x[0].T:
        given = cell.weight_ih_l0 @ frame + cell.bias_ih_l0
        past = cell.weight_hh_l0 @ hidden + cell.bias_hh_l0
        reset, update = torch.sigmoid(given[:8] + past[:8]).split(4)
        new = torch.tanh(given[8:] + reset * past[8:])
        hidden = (1 - update) * new + update * hidden
    assert torch.allclose(found[0, :, -1], hidden, atol=1e-6)
    assert torch.allclose(state["0.hidden"][0], hidden, atol=1e-6)


@pytest.mark.parametrize(("cell", "kept"), [("gru", 2), ("lstm", 4)])
def test_what_is_remembered(cell, kept) -> None:
    stage = RecurrentStage(3, 5, 2, cell, 0.0).eval()
    x = torch.rand(2, 3, 6)
    whole, state = stage(x, {})
    assert len(state) == kept
    assert all(value.shape == (2, 5) for value in state.values())
    first, state = stage(x[:, :, :4], {})
    second, _ = stage(x[:, :, 4:], state)
    assert torch.allclose(torch.cat((first, second), 2), whole, atol=1e-6)


def test_forget_gates_begin_open() -> None:
    for cell in RecurrentStage(3, 4, 2, "lstm", 0.0).cells:
        assert torch.equal((cell.bias_ih_l0 + cell.bias_hh_l0)[4:8], torch.ones(4))
        assert bool((cell.bias_ih_l0[:4].abs() <= 0.5).all())  # as torch draws the others


def test_the_trunk_is_the_twin_without_its_temporal_stage() -> None:
    torch.manual_seed(0)
    encoder = build_recurrent(RecurrentConfig(hidden=64), inputs=RGB)
    assert [info.space for info in encoder.info] == ["map"] * 3 + ["vector"] * 2
    assert [info.width for info in encoder.info][-2:] == [128, 64]
    assert encoder.causal


def test_a_trunk_that_looks_ahead_says_so() -> None:
    for causal in (True, False):
        trunk = {"kind": "skeleton", "channels": 8, "depth": 1, "causal": causal}
        config = read_config(RecurrentConfig, {"trunk": trunk}, "test")
        assert build_recurrent(config, inputs=SKELETON).causal == causal


def test_a_trunk_without_vectors_is_refused() -> None:
    config = read_config(RecurrentConfig, {"trunk": {"kind": "stgcn", "channels": 8}}, "test")
    with pytest.raises(ValueError, match=r"'recurrent'.*'stgcn' ends in 'joints'.*trunk\.readout"):
        build_recurrent(config, inputs=SKELETON)
    with pytest.raises(ValueError, match="recurrent"):
        read_config(RecurrentConfig, {"trunk": "recurent"}, "test")


@torch.no_grad()
def test_a_stream_may_begin_as_zeros() -> None:
    network = make_network("recurrent", by_name(frames("phase"))).eval()
    batch = batch_for("recurrent", 2, 4)
    blank = blank_state(network, cut(batch, 0, 1))
    assert {name.rsplit(".", 1)[1] for name in blank} == {"hidden", "cell"}
