"""Posterior draws by NUTS."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lazy import _lazy
from lazy._transforms import jit


def sample(
    model: Callable[..., Any],
    args: Sequence[Any] = (),
    given: Mapping[str, Any] | None = None,
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    seed: int | None = None,
) -> dict[str, NDArray[Any]]:
    """Draws from the distribution of a model's random variables given those observed.

    Args:
        model: a function that draws from ``np.random``, a ``Generator`` or a ``RandomState``; the random
            variables that are not given must be continuous.
        args: the model's arguments.
        given: values of observed variables by name.
        draws: kept draws per chain.
        tune: draws per chain before those, which adapt step size and mass matrix.
        chains: independent chains, run in parallel.
        seed: makes the draws repeatable.

    Returns:
        For each unknown random variable an array of shape ``(chains, draws, *shape)``.

    Raises:
        lazy.NoDensity: a draw whose density is not known, or a discrete unknown.

    The no-U-turn sampler of Hoffman & Gelman (JMLR 15, 2014), by the crate nuts-rs.
    """
    for name, count, least in (("draws", draws, 1), ("tune", tune, 0), ("chains", chains, 1)):
        if count < least:
            raise ValueError(f"{name} must be at least {least}, not {count}")
    if seed is None:
        seed = int(np.random.SeedSequence().generate_state(1, np.uint64)[0])
    values, _statistics = _lazy.sample(jit(model), tuple(args), dict(given or {}), draws, tune, chains, seed)
    return values
