"""How the engine uses the processor's cores; called before torch is imported and after it."""

from __future__ import annotations

import os

from core.settings import settings


def share_cores() -> None:
    """Let OpenMP threads sleep while they wait for each other, unless the environment says otherwise.

    By default they spin. On a laptop where server and browser want the same cores, a spinning thread burns the
    time that its partner needs: steered decoding on two busy cores was measured five to ten times slower.
    OpenMP reads this once, when torch is first imported.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def limit_threads() -> None:
    """Apply the thread limit of the settings to torch."""
    import torch

    if settings().threads:
        torch.set_num_threads(settings().threads)
