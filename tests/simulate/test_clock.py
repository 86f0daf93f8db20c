import pytest
import torch

from onebody.simulate.clock import curve, during, make_clock, path, point, within

MANY = range(200)


@pytest.fixture(params=[(16, 10.0), (32, 30.0), (64, 30.0)])
def clock(request):
    frames, fps = request.param
    return make_clock(MANY, MANY, frames, fps=fps)


def test_time(clock):
    assert clock.times_s.shape[0] == 1
    assert clock.times_s[0, 0] == 0
    assert clock.length_s == pytest.approx(clock.times_s.shape[1] * float(clock.times_s[0, 1]))


def test_one_frame_has_a_length():
    clock = make_clock([0], [0], 1)
    assert clock.length_s > 0
    assert clock.progress().shape == (1, 1)
    assert clock.phase(1, 2).isfinite().all()


def test_progress_never_goes_back_and_fits_into_the_clip(clock):
    u = clock.progress()
    assert ((u >= 0) & (u <= 1)).all()
    assert (u.diff(dim=1) >= -1e-6).all()
    assert (u[:, 0] < 0.1).all()
    assert (u[:, -1] > 0.75).all()  # the last moments may be cut off
    # beginnings differ: no frame number gives the moment away
    middle = u[:, u.shape[1] // 2]
    assert middle.std() > 0.09


def test_phase_makes_a_cycle_at_least_from_anywhere(clock):
    phase = clock.phase(0.3, 1.5)
    step = clock.times_s[0, 1]
    assert (phase.diff(dim=1) > 0).all()
    done = phase[:, -1] - phase[:, 0]
    assert (done + phase.diff(dim=1).amax(dim=1) * 1.2 > 0.85).all()
    assert (done < 2 * clock.length_s * 1.5 + step).all()
    start = phase[:, 0] % 1
    assert torch.histc(start, 4, 0, 1).min() > 20


def test_habits_stay_and_moods_change():
    clock = make_clock([1, 1, 2], [10, 11, 10], 8)
    tempo = clock.habit("tempo")
    assert tempo[0] == tempo[1] != tempo[2]
    mood = clock.draw("tempo")
    assert mood.unique().numel() == 3
    assert torch.equal(clock.left, make_clock([1, 1, 2], [10, 11, 10], 8).left)


def test_most_people_prefer_the_right_hand():
    side = make_clock(list(range(100)) * 10, range(1000), 4).left
    assert set(side.flatten().tolist()) == {-1.0, 1.0}
    assert 0.15 < (side > 0).float().mean() < 0.4


def test_sway_is_small_and_slow():
    clock = make_clock(MANY, MANY, 60, fps=30)
    sway = clock.sway("test", 0.02)
    assert sway.abs().max() <= 0.02 + 1e-6
    assert sway.diff(dim=1).abs().max() * 30 < 0.12
    assert sway.std(dim=1).mean() > 0.003


def test_curve_passes_its_keys():
    u = torch.tensor([[0.0, 0.1, 0.3, 0.45, 0.6, 1.0]])
    values = curve(u, (0.1, 1.0), (0.3, torch.tensor([[3.0]])), (0.6, -1.0))
    torch.testing.assert_close(values, torch.tensor([[1.0, 1.0, 3.0, 1.0, -1.0, -1.0]]))
    fine = curve(torch.linspace(0, 1, 400)[None], (0.1, 1.0), (0.3, 3.0), (0.6, -1.0))
    assert fine.diff(dim=1).abs().max() < 0.06  # no jumps
    assert fine.min() >= -1
    assert fine.max() <= 3


def test_paths_and_envelopes():
    u = torch.tensor([[0.0, 0.25, 0.5, 0.75, 1.0]])
    way = path(u, (0.0, (0, 0, 0)), (0.5, (1.0, torch.tensor([[2.0]]), -1.0)))
    assert way.shape == (1, 5, 3)
    assert way[0, 2].tolist() == way[0, 4].tolist() == [1, 2, -1]
    assert during(u).tolist() == [[0, 1, 1, 1, 0]]
    assert within(u).tolist() == [[0, 0, 0.5, 1, 1]]
    assert point(u, 1.0, torch.ones(1, 1), u)[0, 3].tolist() == [1, 1, 0.75]
