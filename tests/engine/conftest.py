"""The bundled pair, loaded once for all engine tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from core.models import ModelPair, available_pairs, load_pair
from core.tasks import Task, load_task


@pytest.fixture(scope="session")
def task() -> Task:
    """The task that every engine test writes for."""
    return load_task("hypotheses")


@pytest.fixture(scope="session")
def pair(task: Task) -> ModelPair:
    """The bundled base with the expert of the task, as two copies of the weights."""
    return load_pair(available_pairs(task.name)[0], layout="merged")


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """For students: small batches are slower on several threads, and equal sums need an equal number of them."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
