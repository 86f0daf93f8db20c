"""The box head: ordered borders, moved with what it sees, under every way of sharing."""

import pytest
import torch
from model_helpers import SHARED, batch_for, by_name, make_network, vector

from onebody.models.base import StageInfo
from onebody.models.box_head import FIRST_DISTANCE, BoxHeadConfig, build_box_head
from onebody.models.multitask import MultiTask
from onebody.tasks import BoxTask

PLACE = BoxTask(name="place", column="box", margin=1.0)
MAPS = [
    StageInfo(width=8, space="map", stride_s=4),
    StageInfo(width=16, space="map", stride_s=8),
    StageInfo(width=24, space="map", stride_s=16),
    StageInfo(width=24, space="vector"),
]


def head(**given):
    torch.manual_seed(0)
    return build_box_head(BoxHeadConfig(**given), task=PLACE, info=MAPS)


def test_deeper_maps_are_read_as_well():
    assert head().stages == (1, 2)
    assert head(hidden=0).stages == (1,)
    assert head(stages=(0, 2)).stages == (0, 2)


def test_borders_are_ordered_and_begin_around_the_middle():
    found = head()
    x = {1: torch.randn(3, 16, 5, 6, 8), 2: torch.randn(3, 24, 5, 3, 4)}
    (box,), state = found(x, 5, {})
    assert box.shape == (3, 5, 4)
    assert state == {}
    assert (box[..., 2:] > box[..., :2]).all()
    found.heat.weight.data.zero_()
    found.borders.weight.data.zero_()
    (box,), _ = found(x, 5, {})
    first = [0.5 - FIRST_DISTANCE] * 2 + [0.5 + FIRST_DISTANCE] * 2
    torch.testing.assert_close(box, torch.tensor(first).expand(3, 5, 4))


def test_the_box_moves_with_the_person():
    found = head(hidden=0)
    found.heat.weight.data.fill_(0)
    found.heat.weight.data[0, 0] = 40.0
    found.borders.weight.data.zero_()
    x = torch.zeros(1, 16, 2, 8, 8)
    x[0, 0, 0, 2, 1] = x[0, 0, 1, 5, 6] = 1.0
    (box,), _ = found({1: x}, 2, {})
    middles = (box[0, :, :2] + box[0, :, 2:]) / 2
    torch.testing.assert_close(middles, torch.tensor([[1.5 / 8, 2.5 / 8], [6.5 / 8, 5.5 / 8]]))


def test_encoders_without_a_map_are_refused():
    with pytest.raises(ValueError, match="box head of task 'place' needs a stage with a map"):
        build_box_head(BoxHeadConfig(), task=PLACE, info=MAPS[3:])


@pytest.mark.parametrize("sharing", SHARED)
def test_every_way_of_sharing_serves_it(sharing):
    tasks = {**by_name(vector("action")), "place": PLACE}
    network = make_network("light", tasks, sharing=sharing)
    assert isinstance(network, MultiTask)
    batch = batch_for("light")
    (outputs,) = network([batch])
    assert outputs["place"][-1].shape == (2, 4, 4)
    outputs["place"][-1].sum().backward()
    assert all(p.grad is not None for p in network.heads["place"].parameters())
