import pytest
import torch
from model_helpers import mask

from onebody.data import InputSpec
from onebody.models import InputShape, input_shapes
from onebody.models.inputs import single_picture, single_skeleton, take_input

RGB, DEPTH = InputShape(channels=3), InputShape(channels=1)
KINECT = InputShape(channels=3, skeleton="kinect-20")


def _skeletons(**changes: object) -> InputSpec:
    return InputSpec(modality="skeleton", skeleton="kinect-20", **changes)


def test_specifications_tell_the_shapes() -> None:
    assert input_shapes(InputSpec()) == {"rgb": RGB}
    assert input_shapes(InputSpec(modality="depth")) == {"depth": DEPTH}
    assert input_shapes(InputSpec(modality="rgb/2")) == {"rgb/2": RGB}
    assert input_shapes(_skeletons()) == {"skeleton": KINECT}
    flat = InputShape(channels=2, skeleton="kinect-20")
    assert input_shapes(_skeletons(dims=2)) == {"skeleton": flat}
    assert input_shapes(InputSpec(), InputSpec(modality="depth"), InputSpec(frames=3)) == {
        "rgb": RGB,
        "depth": DEPTH,
    }


def test_what_no_network_reads_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"'dpeth' is no input of a network\. Did you mean 'depth'"
    ):
        input_shapes(InputSpec(modality="dpeth"))
    with pytest.raises(ValueError, match="Give every source the same 'skeleton' and 'dims'"):
        input_shapes(_skeletons(), _skeletons(dims=2))


def test_the_only_modality_is_taken() -> None:
    assert single_picture({"depth": DEPTH}, "light") == ("depth", 1)
    assert single_skeleton({"skeleton": KINECT}, "skeleton") == ("skeleton", KINECT)
    with pytest.raises(ValueError, match="'light' reads one modality, found rgb, depth"):
        single_picture({"rgb": RGB, "depth": DEPTH}, "light")
    with pytest.raises(ValueError, match="found none"):
        single_skeleton({}, "light")


def test_pictures_and_joints_are_not_mixed_up() -> None:
    with pytest.raises(ValueError, match="'light' reads pictures, but 'skeleton' holds joints"):
        single_picture({"skeleton": KINECT}, "light")
    with pytest.raises(ValueError, match="'skeleton' reads joints, but 'rgb' holds pictures"):
        single_skeleton({"rgb": RGB}, "skeleton")


def test_invalid_rows_and_frames_become_zero_even_if_nan() -> None:
    x = torch.ones(2, 1, 3, 2, 2)
    x[1] = torch.nan
    taken = take_input({"rgb": x}, {"rgb": mask(1, 0)}, "rgb", 1)
    assert torch.equal(taken[0], x[0])
    assert torch.equal(taken[1], torch.zeros(1, 3, 2, 2))
    x = torch.ones(2, 1, 3, 2, 2)
    x[0, :, 1] = torch.nan
    keep = torch.tensor([[True, False, True], [True, True, True]])
    taken = take_input({"rgb": x}, {"rgb": keep}, "rgb", 1)
    assert torch.equal(taken.sum((1, 3, 4)), torch.tensor([[4.0, 0.0, 4.0], [4.0, 4.0, 4.0]]))


def test_other_modalities_validity_is_not_ours() -> None:
    x = torch.ones(2, 3, 1, 2, 2)
    assert take_input({"rgb": x}, {"depth": mask(0, 0)}, "rgb", 3) is x


def test_missing_or_misshapen_input_is_named() -> None:
    x = torch.ones(2, 1, 3, 2, 2)
    with pytest.raises(ValueError, match="reads 'rgb', but the batch holds: depth"):
        take_input({"depth": x}, {}, "rgb", 3)
    with pytest.raises(ValueError, match=r"expected \[B, 3, T, H, W\], found \[2, 1, 3, 2, 2\]"):
        take_input({"rgb": x}, {}, "rgb", 3)
    with pytest.raises(ValueError, match="expected"):
        take_input({"rgb": x[:, :, 0]}, {}, "rgb", 1)
