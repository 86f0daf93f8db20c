import pytest
import torch
from model_helpers import TINY, scramble

from onebody.config import read_config
from onebody.models import InputShape
from onebody.models.light import LightConfig, build_light


def _encoder(modality: str = "rgb", channels: int = 3, **options: object):
    torch.manual_seed(0)
    config = read_config(LightConfig, {**TINY["light"], **options}, "test")
    encoder = build_light(config, inputs={modality: InputShape(channels=channels)})
    scramble(encoder)
    return encoder.eval()


def test_default_size_is_about_a_million_parameters() -> None:
    encoder = build_light(LightConfig(), inputs={"rgb": InputShape(channels=3)})
    assert 0.5e6 < sum(p.numel() for p in encoder.parameters()) < 1.2e6
    assert [i.stride_s for i in encoder.info] == [4, 8, 16, 1, 1]
    assert [i.space for i in encoder.info] == ["map"] * 3 + ["vector"] * 2


def test_options_shape_the_encoder() -> None:
    encoder = _encoder(widths=[8, 16], blocks=[1, 1], strides=[2, 1], dilations=[], keypoints=0)
    assert [i.stride_s for i in encoder.info] == [4, 4, 1]
    assert encoder.causal  # frames are looked at one by one
    assert not _encoder().causal
    assert _encoder(causal=True).causal
    assert _encoder("depth", 1).stem.conv[0].in_channels == 1
    assert _encoder("depth", 1, motion=True).stem.conv[0].in_channels == 2


def test_lists_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match=r"one entry per map stage, found \[2, 3, 3\] entries"):
        read_config(LightConfig, {"widths": [8, 16]}, "test")
    with pytest.raises(ValueError, match="reads one modality"):
        build_light(
            LightConfig(), inputs={"rgb": InputShape(channels=3), "depth": InputShape(channels=1)}
        )


def test_motion_is_the_difference_to_the_frame_before() -> None:
    encoder = _encoder(motion=True)
    seen = []
    encoder.stem.conv.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    x = torch.rand(2, 3, 4, 16, 16)
    _, state = encoder.stem({"rgb": x}, {}, {})
    difference = seen[0].view(2, 4, 6, 16, 16)[:, :, 3:]
    assert torch.equal(difference[:, 0], torch.zeros(2, 3, 16, 16))
    assert torch.allclose(difference[:, 2], x[:, :, 2] - x[:, :, 1])
    encoder.stem({"rgb": x[:, :, :1] + 1.0}, {}, state)
    assert torch.allclose(seen[1][:, 3:], x[:, :, 0] + 1.0 - x[:, :, 3])


@pytest.mark.parametrize(("name", "count"), [("rgb", 3), ("depth", 1)])
def test_maps_stay_channels_last(name: str, count: int) -> None:
    encoder = _encoder(name, count)
    x, _ = encoder.stem({name: torch.rand(2, count, 3, 32, 32)}, {}, {})
    assert x.stride(1) == 1
    for stage in list(encoder.stages)[:3]:
        x, _ = stage(x, {})
        assert x.stride(1) == 1


def test_one_labeled_still_can_be_trained_on() -> None:
    encoder = _encoder().train()
    x, _ = encoder.stem({"rgb": torch.rand(1, 3, 1, 32, 32)}, {}, {})
    for stage in encoder.stages:
        x, _ = stage(x, {})
    assert bool(x.isfinite().all())
