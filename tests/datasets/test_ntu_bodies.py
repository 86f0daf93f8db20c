"""Who is meant in a recording of NTU RGB+D, and their joints in mm and pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ntu_texts import CENTER, FIRST_ID, FOCAL, body, write_text

from onebody.datasets.ntu_bodies import choose
from onebody.datasets.ntu_skeleton import read_skeleton


@pytest.fixture
def bodies_of(tmp_path):
    """Return what is read of frames."""
    return lambda frames: read_skeleton(write_text(tmp_path, "a", frames))


def test_mm_with_y_down_and_pixels_from_the_corner(bodies_of):
    (person,) = choose(bodies_of([{1: body(0.2)}] * 3), "spread")
    assert person.space.shape == (3, 25, 4)
    np.testing.assert_allclose(person.space[1, 0], [160, -900, 3000, 1], rtol=1e-5)
    assert person.pixels.shape == (3, 25, 3)
    np.testing.assert_allclose(
        person.pixels[1, 0, :2], [160 / 3000 * FOCAL + CENTER[0], -0.3 * FOCAL + CENTER[1]], 1e-5
    )
    np.testing.assert_allclose(person.camera, [FOCAL, FOCAL, *CENTER], rtol=1e-3)
    assert person.depth_ref_mm == pytest.approx(3000)
    assert (person.renamed, person.broken) == (False, 0)


def test_joints_are_tracked_inferred_or_missing(bodies_of):
    values = body()
    values[1, 11] = 1
    values[2, 11] = 0
    values[3, :3] = 0
    values[4, 0] = np.nan
    values[5, 5] = -np.inf
    values[6, 5:7] = 2000, 500  # right of the picture
    (person,) = choose(bodies_of([{1: values}]), "spread")
    assert np.isnan(person.space[0]).all(-1).nonzero()[0].tolist() == [2, 3, 4]
    assert np.isnan(person.pixels[0]).all(-1).nonzero()[0].tolist() == [2, 3, 4, 5]
    assert (person.space[0, :, 3] == 0).nonzero()[0].tolist() == [1]
    assert (person.pixels[0, :, 2] == 0).nonzero()[0].tolist() == [1, 6]
    assert person.broken == 2


def test_frames_without_the_body_are_missing(bodies_of):
    (person,) = choose(bodies_of([{}, {1: body()}, {}]), "spread")
    assert np.isnan(person.space).all((1, 2)).tolist() == [True, False, True]


def test_nobody(bodies_of):
    zeros = np.zeros((25, 12))
    for how in ("spread", "first", "tracked"):
        assert choose(bodies_of([{}, {}]), how) == []
        assert choose(bodies_of([{1: zeros}, {}]), how) == []


def test_who_spreads_most_goes_first(bodies_of):
    chair, walker = body(-1, size=0.3), [body(0.3 * t) for t in range(3)]
    bodies = bodies_of([{1: chair, 2: walker[t]} for t in range(3)])
    main, second = choose(bodies, "spread")
    np.testing.assert_allclose(main.space[:, 0, 0], [-40, 260, 560], atol=1e-2)
    assert second.space[0, 0, 0] == pytest.approx(-1012)
    first, other = choose(bodies, "first")
    assert first.space[0, 0, 0] == pytest.approx(-1012)
    assert other.space[2, 0, 0] == pytest.approx(560)


def test_at_most_two_of_the_first_four_places(bodies_of):
    sizes = (0.2, 0.5, 0.4, 0.3, 0.9)
    bodies = bodies_of([{n + 1: body(size=size) for n, size in enumerate(sizes)}])
    heights = [np.nanmax(-person.space[..., 1]) for person in choose(bodies, "spread")]
    np.testing.assert_allclose(heights, [450, 360], rtol=1e-4)
    heights = [np.nanmax(-person.space[..., 1]) for person in choose(bodies, "tracked")]
    np.testing.assert_allclose(heights, [810, 450], rtol=1e-4)


def test_a_body_whose_number_changes(bodies_of):
    frames = [{FIRST_ID: body()}, {FIRST_ID: body()}, {FIRST_ID + 1: body(2)}]
    (person,) = choose(bodies_of(frames), "spread")
    assert person.renamed
    assert np.isfinite(person.space).all()
    main, second = choose(bodies_of(frames), "tracked")
    assert not main.renamed
    assert np.isnan(main.space).all((1, 2)).tolist() == [False, False, True]
    assert np.isnan(second.space).all((1, 2)).tolist() == [True, True, False]


def test_bodies_that_change_places_are_followed_by_their_number(bodies_of):
    here, there = body(-1), body(1)
    bodies = bodies_of([{1: here, 2: there}, {2: there, 1: here}, {1: here}])
    people = choose(bodies, "tracked")
    assert [float(np.ptp(p.space[np.isfinite(p.space[:, 0, 0]), 0, 0])) for p in people] == [0, 0]
    assert any(np.ptp(p.space[:2, 0, 0]) > 1000 for p in choose(bodies, "spread"))


def test_a_camera_that_fits_no_body_is_unknown(bodies_of):
    values = body()
    values[:, 5] = np.linspace(0, 1900, 25)
    (person,) = choose(bodies_of([{1: values}]), "spread")
    assert np.isnan(person.camera).all()
    values = body()
    values[1:, 11] = 0  # one joint does not make a camera
    (person,) = choose(bodies_of([{1: values}]), "spread")
    assert np.isnan(person.camera).all()
    assert person.depth_ref_mm == pytest.approx(3000)


@settings(max_examples=60, deadline=None)
@given(
    people=st.lists(st.lists(st.integers(1, 4), max_size=4, unique=True), min_size=1, max_size=6),
    how=st.sampled_from(["spread", "first", "tracked"]),
    junk=st.sampled_from([0.0, np.nan, np.inf, -np.inf, 1e30, 1e38]),
    seed=st.integers(0, 99),
)
def test_all_choices_make_whole_people(tmp_path_factory, people, how, junk, seed):
    random = np.random.default_rng(seed)

    def drawn(number):
        values = body(float(number))
        values[random.random(values.shape) < 0.1] = junk
        values[:, 11] = random.integers(0, 3, 25)
        return values

    frames = [{number: drawn(number) for number in found} for found in people]
    bodies = read_skeleton(write_text(tmp_path_factory.mktemp("texts"), "a", frames))
    chosen = choose(bodies, how)
    assert len(chosen) <= 2
    for person in chosen:
        for values in (person.space, person.pixels):
            assert len(values) == len(frames)
            assert not np.isinf(values).any()
            missing = np.isnan(values)
            assert (missing.any(-1) == missing.all(-1)).all()
        assert np.isfinite(person.space).any()
        assert person.depth_ref_mm == person.depth_ref_mm
