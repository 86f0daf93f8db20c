import pytest
import torch

from onebody.config import read_config
from onebody.models import InputShape
from onebody.models.resnet3d import ResNet3DConfig, build_resnet3d


def _encoder(channels: int = 3, **options: object):
    config = read_config(ResNet3DConfig, {"width": 0.0625, **options}, "test")
    return build_resnet3d(config, inputs={"rgb": InputShape(channels=channels)}).eval()


def test_r3d_18_has_the_published_size() -> None:
    encoder = build_resnet3d(ResNet3DConfig(), inputs={"rgb": InputShape(channels=3)})
    # torchvision's r3d_18: 33 371 472 with its 400-class layer of 512 * 400 + 400
    assert sum(p.numel() for p in encoder.parameters()) == 33_371_472 - 512 * 400 - 400
    assert [i.width for i in encoder.info] == [64, 128, 256, 512]
    assert not encoder.causal


@pytest.mark.parametrize("depth", [10, 18, 34, 50])
def test_depth_counts_convolutions(depth: int) -> None:
    encoder = _encoder(depth=depth)
    layers = [m for m in encoder.modules() if isinstance(m, torch.nn.Conv3d)]
    shortcuts = [n for n, _ in encoder.named_modules() if n.endswith("downsample.0")]
    assert len(layers) - len(shortcuts) == depth - 1  # the last one is the classifier
    assert [len(stage.blocks) for stage in encoder.stages] == {
        10: [1, 1, 1, 1],
        18: [2, 2, 2, 2],
    }.get(depth, [3, 4, 6, 3])


def test_time_stride_can_be_left_out() -> None:
    with_stride, without = _encoder(depth=10), _encoder(depth=10, time_stride=False)
    assert [i.stride_t for i in with_stride.info] == [1, 2, 4, 8]
    assert [i.stride_t for i in without.info] == [1, 1, 1, 1]
    assert [i.stride_s for i in without.info] == [2, 4, 8, 16]
    without.load_state_dict(with_stride.state_dict())  # the weights fit either way


def test_hara_stem() -> None:
    encoder = _encoder(depth=10, stem_frames=7, max_pool=True)
    assert encoder.stem.layers[0].kernel_size == (7, 7, 7)
    assert (encoder.info[0].stride_t, encoder.info[0].stride_s) == (2, 4)
    assert (encoder.info[-1].stride_t, encoder.info[-1].stride_s) == (16, 32)


def test_color_is_normalized_per_channel() -> None:
    encoder = _encoder(depth=10)
    seen = []
    encoder.stem.layers.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    mean = encoder.stem.mean.view(1, 3, 1, 1, 1)
    encoder.stem({"rgb": mean.expand(1, 3, 2, 8, 8)}, {}, {})
    assert torch.allclose(seen[0], torch.zeros(1, 3, 2, 8, 8), atol=1e-7)
    grey = _encoder(1, depth=10)
    assert grey.stem.mean.flatten().tolist() == pytest.approx([0.45])
    own = _encoder(1, depth=10, mean=[0.1], std=[2.0])
    assert own.stem.std.item() == 2.0
    assert not any("mean" in n and "running" not in n for n in own.state_dict())
    with pytest.raises(ValueError, match="mean has 2 entries, but 'rgb' has 3 channels"):
        _encoder(mean=[0.1, 0.2])
