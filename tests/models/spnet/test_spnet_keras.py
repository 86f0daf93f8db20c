import h5py
import numpy as np
import pytest
import torch

from onebody.models.spnet import SPNet, load_keras, read_keras
from spnet_helpers import SMALL, keras_arrays, soft_argmax_arrays, write_keras


@pytest.fixture(scope="module")
def network():
    """A network none of whose numbers are those that it begins with."""
    torch.manual_seed(0)
    network = SPNet(SMALL).eval()
    for value in network.state_dict().values():
        if value.is_floating_point():
            value.copy_(torch.rand_like(value) + 0.5)
    return network


@pytest.fixture
def arrays(network):
    return keras_arrays(network) | soft_argmax_arrays(4, SMALL.num_joints)


def assert_same(found, network):
    for name, value in network.state_dict().items():
        assert torch.equal(found.state_dict()[name], value), name


def test_weights_come_back_in_their_places(network, arrays, tmp_path):
    found = load_keras(write_keras(tmp_path / "w.h5", arrays), SMALL)
    assert not found.training
    assert_same(found, network)


def test_older_names_and_long_lists_are_read(network, arrays, tmp_path):
    path = write_keras(tmp_path / "w.h5", arrays, chunks=3, inner="{array}_1:0")
    assert_same(load_keras(path, SMALL), network)


def test_action_blocks_may_be_numbered_from_anywhere(network, arrays, tmp_path):
    def later(name):
        if not name.startswith("act"):
            return name
        number, _, rest = name.removeprefix("act").partition("_")
        return f"act{int(number) + 9}_{rest}"

    moved = {later(name): own for name, own in arrays.items()}
    assert moved.keys() != arrays.keys()
    assert_same(load_keras(write_keras(tmp_path / "w.h5", moved), SMALL), network)


def test_a_truncated_network_takes_its_part_of_a_whole_file(network, arrays, tmp_path):
    path = write_keras(tmp_path / "w.h5", arrays)
    short = load_keras(path, SMALL.model_copy(update={"truncate": 3}))
    clip = torch.rand(1, 3, 4, 32, 32)
    with torch.no_grad():
        found, whole = short(clip), network(clip)
    assert len(found.poses) == 3
    for ours, theirs in zip(found.poses, whole.poses, strict=False):
        torch.testing.assert_close(ours, theirs)
    assert sum(p.numel() for p in short.parameters()) < sum(p.numel() for p in network.parameters())


def changed(arrays, name, number, value):
    own = list(arrays[name])
    own[number] = (own[number][0], value)
    return arrays | {name: own}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: {k: v for k, v in a.items() if k != "res0_conv1"}, "no layer 'res0_conv1'"),
        (lambda a: a | {"extra_conv": a["res0_conv1"]}, "layer 'extra_conv' has no place"),
        (
            lambda a: changed(a, "conv1", 0, np.zeros((7, 7, 3, 9))),
            r"'conv1' kernel: expected shape \[7, 7, 3, 8\], found \[7, 7, 3, 9\]",
        ),
        (
            lambda a: changed(a, "dp1_du1_r0_conv1", 0, np.zeros((3, 3, 16, 2))),
            r"depthwise_kernel: expected shape \[3, 3, 16, 1\]",
        ),
        (
            lambda a: changed(a, "res0_bn1", 3, np.full(8, np.nan)),
            "'res0_bn1' moving_variance: expected finite numbers",
        ),
        (lambda a: a | {"res0_bn1": a["res0_bn1"][:2]}, "'res0_bn1' has 2 arrays, expected 4"),
        (
            lambda a: changed(a, "dp1_pb1_xy_x", 0, np.zeros((4, 4, 5, 1))),
            "'dp1_pb1_xy_x' is not the grid",
        ),
    ],
)
def test_what_does_not_fit_is_named(arrays, tmp_path, change, message):
    path = write_keras(tmp_path / "w.h5", change(arrays))
    with pytest.raises(ValueError, match=message) as error:
        load_keras(path, SMALL)
    assert str(path) in str(error.value)


def test_another_configuration_is_refused_in_few_words(arrays, tmp_path):
    path = write_keras(tmp_path / "w.h5", arrays)
    with pytest.raises(ValueError, match=r"and \d+ more. Compare the configuration"):
        load_keras(path, SMALL.model_copy(update={"num_pyramids": 6}))


def test_damaged_files_are_named(arrays, tmp_path):
    path = write_keras(tmp_path / "w.h5", arrays)
    whole = path.read_bytes()
    with pytest.raises(ValueError, match="no file"):
        read_keras(tmp_path / "none.h5")
    for damaged in (b"", whole[: len(whole) // 2], b"not a weight file" * 100):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"w\.h5: expected a file of Keras' save_weights"):
            read_keras(path)


def test_an_array_that_is_listed_and_not_there_is_named(arrays, tmp_path):
    path = write_keras(tmp_path / "w.h5", arrays)
    with h5py.File(path, "a") as file:
        lost = file["res0_bn1"].attrs["weight_names"][1]
        del file["res0_bn1"][lost]
    with pytest.raises(ValueError, match=r"found no array '\S*beta\S*' of layer 'res0_bn1'"):
        read_keras(path)


@pytest.mark.parametrize(("layer", "key"), [("", "layer_names"), ("conv1", "weight_names")])
def test_a_list_of_names_that_is_not_there_is_named(arrays, tmp_path, layer, key):
    path = write_keras(tmp_path / "w.h5", arrays)
    with h5py.File(path, "a") as file:
        del file[layer or "/"].attrs[key]
    with pytest.raises(ValueError, match=rf"w\.h5: .* found no attribute '{key}', which lists"):
        read_keras(path)
