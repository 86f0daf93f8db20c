"""Encoders of worn sensors: masks, several sensors, and what they refuse."""

import pytest
import torch
from model_helpers import TINY, WORN, batch_for, by_name, make_context, make_network, vector

from onebody.config import read_config
from onebody.data import Batch, InputSpec
from onebody.models import ENCODERS, InputShape, input_shapes, network_cost
from onebody.models.sensor_tcn import scaled

KINDS = ("imu-spectral", "tcn-imu", "tcn-imu-causal")


def answer(network, x, known):
    batch = Batch(inputs={"imu": x}, valid={"imu": known}, context=make_context(*x.shape[:2]))
    return network([batch])[0]["action"][-1].detach()


@pytest.mark.parametrize("encoder", KINDS)
def test_what_is_masked_influences_nothing(encoder):
    network = make_network(encoder, by_name(vector("action"))).eval()
    x = batch_for(encoder, 3, 20).inputs["imu"]
    known = torch.ones_like(x, dtype=torch.bool)
    known[0, 5:9, 1] = False  # a gap in one sensor
    known[1, :, :, 3:] = False  # no gyroscope
    known[2, :, 0] = False  # no such sensor
    first = answer(network, x, known)
    for other in (torch.nan, 1e4):
        changed = torch.where(known, x, torch.full_like(x, other))
        assert answer(network, changed, known).equal(first)
    assert first.isfinite().all()
    whole = answer(network, x, torch.ones_like(known))
    assert not torch.allclose(whole[0], first[0])


@pytest.mark.parametrize("kind", ["imu-spectral", "tcn-imu"])
@pytest.mark.parametrize("sensors", ["pooled", "joined"])
def test_sensors_are_exchanged_only_where_they_are_pooled(kind, sensors):
    network = make_network({**TINY[kind], "sensors": sensors}, by_name(vector("action"))).eval()
    x = batch_for(kind, 2, 16).inputs["imu"]
    known = torch.ones_like(x, dtype=torch.bool)
    first, second = answer(network, x, known), answer(network, x.flip(2), known)
    assert torch.allclose(first, second, atol=1e-5) == (sensors == "pooled")


def test_normalizing_a_clip_keeps_what_it_takes_away():
    x = torch.randn(2, 50, 1, 8) + torch.arange(8.0)
    moving, levels = scaled(x, torch.ones_like(x, dtype=torch.bool))
    torch.testing.assert_close(levels[:, 0, 0, :6], x.mean(1)[:, 0, :6])
    torch.testing.assert_close(moving.mean(1), torch.zeros(2, 1, 8), atol=1e-5, rtol=0)
    torch.testing.assert_close(
        moving[..., :3].square().mean((1, 2, 3)), torch.ones(2), atol=1e-3, rtol=0
    )


def test_inputs_are_shaped_and_refused():
    spec = InputSpec(modality="imu", sensors=3, frames=12)
    assert input_shapes(spec) == {"imu": InputShape(channels=6, sensors=3)}
    network = make_network("tcn-imu", by_name(vector("action")))
    wrong = batch_for("tcn-imu", 2, 4).inputs["imu"][:, :, :1]
    with pytest.raises(ValueError, match=r"expected \[B, T, 2, 6\], .*State 'input.sensors'"):
        answer(network, wrong, torch.ones_like(wrong, dtype=torch.bool))
    assert network_cost(network, spec.model_copy(update={"sensors": 2})).parameters > 0
    picture = {"rgb": InputShape(channels=3)}
    for kind in ("imu-spectral", "tcn-imu"):
        config = read_config(ENCODERS[kind].config, {"kind": kind}, "test")
        with pytest.raises(ValueError, match="reads worn sensors, but 'rgb' holds pictures"):
            ENCODERS[kind].build(config, inputs=picture)
    for kind in ("light", "skeleton"):
        config = read_config(ENCODERS[kind].config, {"kind": kind}, "test")
        with pytest.raises(ValueError, match="holds sensor readings"):
            ENCODERS[kind].build(config, inputs=WORN)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"causal": True, "normalize": "clip"}, "looks at the whole clip"),
        ({"alone": 5}, "'alone' is at most 'depth' = 4"),
    ],
)
def test_options_that_contradict_each_other_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        read_config(ENCODERS["tcn-imu"].config, {"kind": "tcn-imu", **values}, "test")
