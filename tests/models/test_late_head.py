"""The head `late`: an answer from each medium, and their mean."""

import pytest
import torch
from model_helpers import TINY, batch_for, by_name, make_network, mask, vector

from onebody.models import StageInfo
from onebody.models.late_head import LateHead, LateHeadConfig, build_late_head

INFO = StageInfo(width=3 * 5, space="vector", parts=3, media=3)


def head(**given) -> LateHead:
    torch.manual_seed(0)
    config = LateHeadConfig(dropout=0.0, **given)
    return build_late_head(config, task=vector("action"), info=[INFO])


def feature(flags: list[list[int]], frames: int = 4) -> torch.Tensor:
    """Return ``[N, 3 * 5, T]`` with these flags; what is missing is zero."""
    torch.manual_seed(1)
    x = torch.rand(len(flags), 3, 5, frames)
    there = torch.tensor(flags).view(-1, 3, 1, 1)
    x[:, :, :1] = 1.0
    return (x * there).flatten(1, 2)


def test_the_answer_is_the_mean_over_the_media_that_are_there() -> None:
    outputs, _ = head()({0: feature([[1, 1, 1], [1, 0, 1]])}, 4, {})
    assert len(outputs) == 4
    each, answer = torch.stack(outputs[:3], 1), outputs[3]
    assert torch.allclose(answer[0], each[0].mean(0))
    assert torch.allclose(answer[1], each[1, [0, 2]].mean(0))
    assert torch.equal(each[1, 1], answer[1])  # which its loss cannot move


def test_a_missing_medium_has_no_gradient_from_its_own_loss() -> None:
    made = head()
    x = feature([[1, 0, 1]]).requires_grad_()
    outputs, _ = made({0: x}, 4, {})
    outputs[1].square().sum().backward()
    assert x.grad is None or not x.grad.any()
    assert all(p.grad is None or not p.grad.any() for p in made.parameters())
    outputs, _ = made({0: x}, 4, {})
    outputs[3].square().sum().backward()
    assert x.grad is not None
    assert not x.grad[:, 5:10].any()
    assert x.grad[:, :5].any()


def test_frames_without_the_medium_do_not_count() -> None:
    """A stream may lose a medium for a while."""
    x = feature([[1, 1, 1]], frames=4)
    x[:, :5, 2:] = 0
    (first, *_), _ = head()({0: x}, 4, {})
    (alone, *_), _ = head()({0: x[:, :, :2]}, 2, {})
    assert torch.allclose(first, alone, atol=1e-6)


def test_no_medium_at_all_is_an_even_answer() -> None:
    outputs, _ = head()({0: feature([[0, 0, 0]])}, 4, {})
    assert not outputs[-1].any()


def test_losses_weigh_as_stated() -> None:
    assert head(each_loss=0.5, mean_loss=2.0).output_weights(4) == (0.5, 0.5, 0.5, 2.0)


def test_a_window_makes_it_fit_for_streams() -> None:
    assert not head().causal
    made = head(window=3)
    assert made.causal
    x = feature([[1, 1, 1], [1, 0, 1]], frames=5)
    whole, _ = made({0: x}, 5, {})
    state: dict[str, torch.Tensor] = {}
    for frame in range(5):
        outputs, state = made({0: x[:, :, frame : frame + 1]}, 1, state)
    assert torch.allclose(outputs[-1], whole[-1], atol=1e-6)


def test_features_that_do_not_keep_media_apart_are_refused() -> None:
    with pytest.raises(ValueError, match="does not keep media apart"):
        build_late_head(
            LateHeadConfig(), task=vector("action"), info=[StageInfo(width=8, space="vector")]
        )
    tasks = by_name(vector("action"), vector("gesture"))
    with pytest.raises(ValueError, match="all but 'nddr'"):
        make_network("fusion-late", tasks, sharing="nddr", heads={"action": {"kind": "late"}})


@pytest.mark.parametrize("sharing", ["hard", "cross-stitch", "mtan", "mmoe", "shared-private"])
def test_what_is_missing_stays_missing_under_every_other_sharing(sharing) -> None:
    tasks = by_name(vector("action"), vector("gesture"))
    heads = {name: {"kind": "late", "dropout": 0} for name in tasks}
    net = make_network("fusion-late", tasks, sharing=sharing, heads=heads).eval()
    data = batch_for("fusion-late", 2, 4)
    masked = type(data)(inputs=data.inputs, valid={"imu": mask(1, 0)}, context=data.context)
    (outputs,) = net([masked])
    for name in tasks:
        body, worn, answer = outputs[name]
        assert torch.allclose(answer[1], body[1])
        assert torch.equal(worn[1], answer[1])
        assert torch.allclose(answer[0], (body[0] + worn[0]) / 2, atol=1e-6)
    assert TINY["fusion-late"]["how"] == "late"
