"""Held frames and the noise that they get."""

from __future__ import annotations

import torch

from onebody.data.pauses import camera_noise, hold, time_axis


def test_noise_is_that_of_what_stands_still():
    generator = torch.Generator().manual_seed(0)
    still = torch.full((1, 1, 6, 40, 40), 0.5)
    still[..., :4] = 0.0
    noisy = torch.where(
        still > 0, still + 0.02 * torch.randn(still.shape, generator=generator), still
    )
    noisy[:, :, :, :2] += 0.01 * torch.arange(6.0).view(1, 1, 6, 1, 1)  # something moves
    assert 0.012 < camera_noise(noisy) < 0.021  # the tenth that changes most is left out
    assert camera_noise(still) == 0.0
    assert camera_noise(torch.zeros(1, 1, 3, 8, 8)) == 0.0
    assert camera_noise(still[:, :, :1]) == 0.0


def test_noise_of_skeletons_is_that_of_the_joints_that_rest_and_are_known():
    generator = torch.Generator().manual_seed(0)
    joints = 0.02 * torch.randn(1, 9, 20, 3, generator=generator)
    joints[:, :, 0] += torch.arange(9.0).view(1, 9, 1)
    joints[:, :, 5] = torch.nan
    assert 0.012 < camera_noise(joints) < 0.021
    assert camera_noise(torch.full((1, 4, 20, 3), torch.nan)) == 0.0


def test_a_held_frame_trembles_where_there_is_a_reading():
    picture = torch.tensor([0.0, 0.5, 1.0, 0.02]).view(1, 1, 1, 2, 2)
    held = hold(picture, 200, 0.05, torch.Generator().manual_seed(0))
    assert held.shape == (1, 1, 200, 2, 2)
    assert time_axis(held) == 2
    assert not held[..., 0, 0].any(), "no reading"
    assert 0.04 < float(held[..., 0, 1].std()) < 0.06
    assert held.min() >= 0.0
    assert held.max() <= 1.0
    joints = torch.zeros(1, 1, 3, 2)
    joints[:, :, 1] = torch.nan
    held = hold(joints, 200, 0.05, torch.Generator().manual_seed(0))
    assert held.shape == (1, 200, 3, 2)
    assert time_axis(held) == 1
    assert held[:, :, 1].isnan().all()
    assert 0.04 < float(held[:, :, 0].std()) < 0.06
    again = hold(joints, 200, 0.05, torch.Generator().manual_seed(0))
    assert torch.equal(held.nan_to_num(), again.nan_to_num())
