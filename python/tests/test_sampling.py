"""The time budget, and the draws that it thins."""

import numpy as np
import pytest

from deepeyes._budget import FIRST_STEPS, Budget
from deepeyes._sampler import Layout, Sampler, layout, on_grid


def simulated(budget, steps, step_seconds, fixed, per_row, analysis_per_row=0.0):
    """Runs a training whose sampled steps cost `fixed` seconds and more for each row; gives which steps were sampled, and
    what was spent after the first ones."""
    sampling, analysis, spent, sampled = True, 0.0, 0.0, []
    for step in range(steps):
        rows = budget.limits().rows
        own = fixed + per_row * rows if sampling else 1e-6
        growth = analysis_per_row * rows if sampling else 0.0
        analysis += growth
        sampled += [step] * sampling
        spent += (own + growth) * (step >= 10)
        sampling = budget.step(step_seconds + own, own, analysis, sampling)
    return sampled, spent


@pytest.mark.parametrize("share", [0.005, 0.015, 0.1])
@pytest.mark.parametrize(
    ("step_seconds", "fixed", "per_row", "analysis"),
    [(0.02, 0.001, 1e-6, 4e-6), (0.4, 0.01, 1e-5, 0.0), (0.002, 0.004, 1e-7, 1e-6), (1.0, 0.001, 1e-7, 1e-7)],
)
def test_what_is_spent_stays_within_the_share(share, step_seconds, fixed, per_row, analysis):
    steps = 20_000
    sampled, spent = simulated(Budget(share), steps, step_seconds, fixed, per_row, analysis)
    assert sampled[:FIRST_STEPS] == list(range(FIRST_STEPS))
    assert spent <= share * steps * step_seconds * 1.1
    # It is used, unless every step is sampled already.
    assert spent >= share * steps * step_seconds * 0.5 or len(sampled) > 0.9 * steps
    gaps = np.diff(sampled[20:])
    assert gaps.max() <= 4 * max(gaps.mean(), 1)


def test_a_budget_of_one_takes_every_step_in_full():
    budget = Budget(1.0)
    sampled, _ = simulated(budget, 50, 0.01, 0.5, 0.0)
    assert sampled == list(range(50))
    assert budget.limits().places(500) == 500 and budget.limits().positions(500, 576, 20) == 288


def test_a_pause_between_steps_earns_no_credit():
    budget = Budget(0.015)
    simulated(budget, 2000, 0.02, 0.005, 0.0)
    sampling = [budget.step(3600.0, 0.0, 0.0, False)] + [budget.step(0.02, 0.0, 0.0, False) for _ in range(3)]
    assert sum(sampling) <= 1 or budget.credit <= 0.02


def test_a_refusal_makes_sampled_steps_rarer_and_smaller():
    budget = Budget(0.5)
    simulated(budget, 100, 0.02, 0.001, 0.0)
    rows = budget.limits().rows
    budget.refused()
    assert not any(budget.step(0.02, 0.0, 0.0, False) for _ in range(8)) and budget.limits().rows < rows


@pytest.mark.parametrize(("positions", "count"), [(20, 10), (21, 3), (64, 1), (7, 7)])
def test_positions_are_drawn_uniformly_and_without_replacement(positions, count):
    sampler, drawn = Sampler(3), []
    for _ in range(200):
        found = sampler.positions(50, positions, count)
        assert found.shape == (50, count) and all(len(set(row)) == count for row in found.tolist())
        drawn.append(found)
    counts = np.bincount(np.concatenate(drawn).reshape(-1), minlength=positions)
    expected = 200 * 50 * count / positions
    assert np.abs(counts - expected).max() <= 5 * np.sqrt(expected) * (count < positions)


def test_equal_seeds_draw_equally():
    first, second, other = (Sampler(seed).positions(9, 30, 4).tolist() for seed in (1, 1, 2))
    assert first == second != other


@pytest.mark.parametrize(
    ("shape", "spatial", "grid"),
    [
        ((4, 6), None, (1, 1)),
        ((4, 5, 6), None, (1, 5)),
        ((8, 5, 6), None, (2, 5)),
        ((5, 4, 6), None, (1, 5)),
        ((4, 6, 7), 1, (1, 7)),
        ((4, 6, 3, 7), 2, (3, 7)),
        ((4, 6, 2, 3, 7), 3, (6, 7)),
        ((12, 6, 3, 7), 2, (9, 7)),
    ],
)
def test_layouts_index_every_vector_once(shape, spatial, grid):
    found = layout(shape, 4, spatial)
    assert isinstance(found, Layout) and found.grid == grid and found.filters == 6
    values = np.arange(np.prod(shape)).reshape(shape)
    places, positions = (part.reshape(-1) for part in np.indices((4, found.positions)))
    rows = values[found.index(places, positions)]
    assert rows.shape == (4 * found.positions, 6) and len(set(rows.reshape(-1).tolist())) == values.size


@pytest.mark.parametrize("shape", [(3, 6), (6,), (4, 6, 2), (0, 6)])
def test_shapes_that_tell_nothing_have_no_layout(shape):
    assert layout(shape, 4, 2 if len(shape) == 3 else None) is None


def test_positions_keep_their_place_on_another_grid():
    everywhere = np.arange(12 * 8)
    assert np.array_equal(on_grid(everywhere, (12, 8), (12, 8)), everywhere)
    scaled = on_grid(everywhere, (12, 8), (6, 4))
    assert np.array_equal(np.bincount(scaled), np.full(24, 4))
