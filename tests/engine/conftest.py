"""The bundled pair, loaded once for all engine tests."""

from __future__ import annotations

import pytest

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
