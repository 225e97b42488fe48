"""How the engine uses the processor's cores; called before torch is imported and after it."""

from __future__ import annotations

import os
import sys
from functools import lru_cache

from core.settings import settings


def share_cores() -> None:
    """Let OpenMP threads sleep while they wait for each other, unless the environment says otherwise.

    By default they spin. On a laptop where server and browser want the same cores, a spinning thread burns the
    time that its partner needs: steered decoding on two busy cores was measured five to ten times slower.
    OpenMP reads this once, when torch is first imported. The same holds for numpy's BLAS, see `calm_blas`.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    calm_blas()


@lru_cache(maxsize=1)
def calm_blas() -> None:
    """One thread for the BLAS of numpy and scipy, loaded already or later; once a process.

    The matrices of a map are small. With two threads on two busy cores, each waiting for the other, they were
    measured several times slower, and an eigendecomposition a hundred times.
    """
    if os.environ.setdefault("OPENBLAS_NUM_THREADS", "1") == "1" and "numpy" in sys.modules:
        from threadpoolctl import threadpool_limits

        threadpool_limits(1, user_api="blas")


def limit_threads() -> None:
    """Apply the thread limit of the settings to torch."""
    import torch

    if settings().threads:
        torch.set_num_threads(settings().threads)
