"""A router and the product of its answer with the tasks' own, in a network."""

import torch
from model_helpers import TINY, cut, make_batch, scramble

from onebody.config import read_config
from onebody.data import InputSpec
from onebody.models import MultiTaskConfig, build_network, input_shapes
from onebody.models.light import LightConfig
from onebody.tasks import ClassificationConfig, RoutedConfig, WhichConfig, build_tasks

SPEC = InputSpec(size=32, frames=6)
OF = ("action", "gesture")
TASKS = {
    "action": ClassificationConfig(name="action", classes=("sit", "run", "jump")),
    "gesture": ClassificationConfig(name="gesture", classes=("wave", "point")),
    "kind": WhichConfig(name="kind", of=OF),
    "any": RoutedConfig(
        name="any",
        router="kind",
        of=OF,
        parts={"action": ("sit", "run", "jump"), "gesture": ("wave", "point")},
        none=False,
    ),
}


def build(causal):
    torch.manual_seed(0)
    encoder = read_config(LightConfig, TINY["light-causal" if causal else "light"], "test")
    network = build_network(
        MultiTaskConfig(encoder=encoder), build_tasks(TASKS), input_shapes(SPEC)
    )
    scramble(network)
    return network.eval()


def test_only_the_product_has_no_head():
    assert set(build(causal=False).heads) == {"action", "gesture", "kind"}


def test_asking_for_the_product_alone_runs_what_it_reads():
    network = build(causal=False)
    batch = make_batch(3, 6)
    some = torch.tensor([True, False, True])
    with torch.no_grad():
        whole = network([batch])[0]
        alone = network([batch], [{"any": some}])[0]
    assert list(alone) == ["any"]
    torch.testing.assert_close(alone["any"][-1], whole["any"][-1][some])
    kind = whole["kind"][-1].log_softmax(1)
    expected = torch.cat(
        [kind[:, i : i + 1] + whole[name][-1].log_softmax(1) for i, name in enumerate(OF)], 1
    )
    torch.testing.assert_close(whole["any"][-1], expected)
    torch.testing.assert_close(whole["any"][-1].exp().sum(1), torch.ones(3))


def test_a_stream_gives_what_a_clip_gives():
    network, batch = build(causal=True), make_batch(2, 6)
    assert network.causal
    with torch.no_grad():
        (whole,) = network([batch])
        state = {}
        for start in range(0, 6, 2):
            found, state = network.stream(cut(batch, start, start + 2), state)
    for name in TASKS:
        torch.testing.assert_close(found[name][-1], whole[name][-1], atol=1e-5, rtol=1e-4)
