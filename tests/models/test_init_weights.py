"""Checkpoints are made here in exactly the layouts of the public ones."""

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from model_helpers import by_name, make_network, vector
from safetensors.torch import save_file
from torch import Tensor

from onebody.config import read_config
from onebody.models import InputShape, initialize, load_pretrained
from onebody.models.resnet3d import ResNet3DConfig, build_resnet3d

WIDTH = 0.0625
PLANES = [4, 8, 16, 32]
BLOCKS = {18: [2, 2, 2, 2], 34: [3, 4, 6, 3], 50: [3, 4, 6, 3]}


def _encoder(channels: int = 3, **options: object):
    config = read_config(ResNet3DConfig, {"width": WIDTH, **options}, "test")
    return build_resnet3d(config, inputs={"rgb": InputShape(channels=channels)})


def _conv(*shape: int) -> Tensor:
    return torch.randn(*shape)


def _norm(name: str, size: int) -> dict[str, Tensor]:
    return {
        f"{name}.weight": torch.randn(size),
        f"{name}.bias": torch.randn(size),
        f"{name}.running_mean": torch.randn(size),
        f"{name}.running_var": torch.rand(size) + 0.5,
        f"{name}.num_batches_tracked": torch.tensor(7),
    }


def _blocks(depth: int):
    """Yield for each block its name, shapes of its convolutions, and its shortcut's shape."""
    inputs = PLANES[0]
    for layer, (planes, count) in enumerate(zip(PLANES, BLOCKS[depth], strict=True), start=1):
        outputs = planes * 4 if depth == 50 else planes
        for number in range(count):
            if depth == 50:
                shapes = [
                    (planes, inputs, 1, 1, 1),
                    (planes, planes, 3, 3, 3),
                    (outputs, planes, 1, 1, 1),
                ]
            else:
                shapes = [(planes, inputs, 3, 3, 3), (planes, planes, 3, 3, 3)]
            change = inputs != outputs or (layer > 1 and number == 0)
            yield f"layer{layer}.{number}", shapes, (outputs, inputs, 1, 1, 1) if change else None
            inputs = outputs


def _torchvision(depth: int) -> dict[str, Tensor]:
    found = {"stem.0.weight": _conv(PLANES[0], 3, 3, 7, 7), **_norm("stem.1", PLANES[0])}
    for block, shapes, shortcut in _blocks(depth):
        for number, shape in enumerate(shapes, start=1):
            found[f"{block}.conv{number}.0.weight"] = _conv(*shape)
            found |= _norm(f"{block}.conv{number}.1", shape[0])
        if shortcut:
            found[f"{block}.downsample.0.weight"] = _conv(*shortcut)
            found |= _norm(f"{block}.downsample.1", shortcut[0])
    return found | {"fc.weight": _conv(400, shapes[-1][0]), "fc.bias": _conv(400)}


def _hara(depth: int) -> dict[str, Tensor]:
    found = {"conv1.weight": _conv(PLANES[0], 3, 7, 7, 7), **_norm("bn1", PLANES[0])}
    for block, shapes, shortcut in _blocks(depth):
        for number, shape in enumerate(shapes, start=1):
            found[f"{block}.conv{number}.weight"] = _conv(*shape)
            found |= _norm(f"{block}.bn{number}", shape[0])
        if shortcut:
            found[f"{block}.downsample.0.weight"] = _conv(*shortcut)
            found |= _norm(f"{block}.downsample.1", shortcut[0])
    return found | {"fc.weight": _conv(400, shapes[-1][0]), "fc.bias": _conv(400)}


def _same_arrays(encoder, checkpoint: Mapping[str, Tensor]) -> bool:
    """Whether the encoder holds just the checkpoint's arrays, in order (fc apart)."""
    own = list(encoder.state_dict().values())
    given = [v for n, v in checkpoint.items() if not n.startswith("fc.")]
    return len(own) == len(given) and all(map(torch.equal, own, given))


@pytest.mark.parametrize("depth", [18, 34, 50])
def test_torchvision_layout(tmp_path: Path, depth: int) -> None:
    torch.manual_seed(0)
    checkpoint = _torchvision(depth)
    torch.save(checkpoint, tmp_path / "r3d.pth")
    encoder = _encoder(depth=depth)
    report = load_pretrained(encoder, tmp_path / "r3d.pth")
    assert _same_arrays(encoder, checkpoint)
    assert report.surplus == ("fc.weight", "fc.bias")
    assert report.missing == report.misshapen == report.adapted == ()
    assert len(report.loaded) == len(checkpoint) - 2


@pytest.mark.parametrize("depth", [18, 50])
@pytest.mark.parametrize("wrapped", [False, True])
def test_hara_layout(tmp_path: Path, depth: int, wrapped: bool) -> None:
    torch.manual_seed(0)
    checkpoint = _hara(depth)
    content: dict[str, object] = dict(checkpoint)
    if wrapped:
        arrays = {f"module.{name}": value for name, value in checkpoint.items()}
        content = {"epoch": 200, "arch": "resnet", "state_dict": arrays}
    torch.save(content, tmp_path / "hara.pth")
    encoder = _encoder(depth=depth, stem_frames=7, max_pool=True)
    report = load_pretrained(encoder, tmp_path / "hara.pth")
    assert _same_arrays(encoder, checkpoint)
    assert [name.removeprefix("module.") for name in report.surplus] == ["fc.weight", "fc.bias"]
    assert report.missing == report.misshapen == ()


def test_our_own_layout(tmp_path: Path) -> None:
    one, other = _encoder(depth=10), _encoder(depth=10)
    arrays = {name: value.contiguous() for name, value in one.state_dict().items()}
    save_file(arrays, tmp_path / "own.safetensors")
    report = load_pretrained(other, tmp_path / "own.safetensors")
    assert all(torch.equal(v, other.state_dict()[n]) for n, v in one.state_dict().items())
    assert len(report.loaded) == len(arrays)


def test_every_array_that_does_not_fit_is_listed(tmp_path: Path) -> None:
    checkpoint = _torchvision(18)
    del checkpoint["layer2.1.conv1.0.weight"]
    checkpoint["layer3.0.conv2.0.weight"] = _conv(5, 5, 3, 3, 3)
    checkpoint["layer9.extra"] = _conv(2)
    torch.save(checkpoint, tmp_path / "r3d.pth")
    encoder = _encoder()
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    lines: list[str] = []
    report = load_pretrained(encoder, tmp_path / "r3d.pth", lines.append)
    assert report.missing == ("stages.1.blocks.1.conv1.0.weight",)
    assert set(report.surplus) == {"layer9.extra", "fc.weight", "fc.bias"}
    assert report.misshapen == (
        "stages.2.blocks.0.conv2.0.weight: file (5, 5, 3, 3, 3), encoder (16, 16, 3, 3, 3)",
    )
    after = encoder.state_dict()
    for name in ("stages.1.blocks.1.conv1.0.weight", "stages.2.blocks.0.conv2.0.weight"):
        assert torch.equal(before[name], after[name])
    assert len(lines) == 1 + 1 + 3 + 1
    assert all("r3d.pth: " in line for line in lines)


@pytest.mark.parametrize("channels", [1, 2])
def test_other_input_channels_keep_the_response_to_grey(tmp_path: Path, channels: int) -> None:
    checkpoint = _torchvision(18)
    torch.save(checkpoint, tmp_path / "r3d.pth")
    encoder = _encoder(channels)
    report = load_pretrained(encoder, tmp_path / "r3d.pth")
    assert report.adapted == (f"stem.layers.0.weight: 3 input channels averaged into {channels}",)
    grey = torch.randn(1, 1, 4, 9, 9)
    old = torch.nn.functional.conv3d(grey.repeat(1, 3, 1, 1, 1), checkpoint["stem.0.weight"])
    new = encoder.stem.layers[0].weight
    found = torch.nn.functional.conv3d(grey.repeat(1, channels, 1, 1, 1), new)
    assert torch.allclose(found, old, atol=1e-4)


def test_files_that_fit_nothing_are_refused(tmp_path: Path) -> None:
    torch.save({"blocks.0.weight": torch.zeros(3, 3)}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match=r"no weight of it fits .* It holds blocks\.0\.weight"):
        load_pretrained(_encoder(), tmp_path / "other.pth")
    torch.save(_torchvision(18), tmp_path / "r3d.pth")
    with pytest.raises(ValueError, match=r"no weight of it fits .* Another shape: stem\.layers"):
        load_pretrained(_encoder(width=0.125), tmp_path / "r3d.pth")


def test_unreadable_files_are_named(tmp_path: Path) -> None:
    encoder = _encoder(depth=10)
    with pytest.raises(ValueError, match=r"none\.pth: no such file"):
        load_pretrained(encoder, tmp_path / "none.pth")
    for name in ("broken.pth", "broken.safetensors"):
        (tmp_path / name).write_bytes(b"not a checkpoint")
        with pytest.raises(ValueError, match=f"{name}: cannot be read as a file of plain arrays"):
            load_pretrained(encoder, tmp_path / name)
    torch.save(_encoder(depth=10), tmp_path / "pickled.pth")  # a whole module: would run code
    with pytest.raises(ValueError, match="plain arrays: it is no checkpoint, or holds more"):
        load_pretrained(encoder, tmp_path / "pickled.pth")
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(ValueError, match="expected arrays by name, found list"):
        load_pretrained(encoder, tmp_path / "list.pth")
    torch.save({"conv1.weight": torch.zeros(1), "epoch": 3}, tmp_path / "mixed.pth")
    with pytest.raises(ValueError, match="'epoch' is none"):
        load_pretrained(encoder, tmp_path / "mixed.pth")


def test_every_copy_of_the_encoder_is_started(tmp_path: Path) -> None:
    torch.save(_torchvision(18), tmp_path / "r3d.pth")
    encoder = {"kind": "resnet3d", "width": WIDTH}
    network = make_network(encoder, by_name(vector("a")))
    (report,) = initialize(network, tmp_path / "r3d.pth")
    assert report.missing == ()
    with pytest.raises(ValueError, match="SimpleNamespace has no encoder"):
        initialize(SimpleNamespace(bodies=[]), tmp_path / "r3d.pth")
