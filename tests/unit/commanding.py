"""Commands as tests give them: in this process, with their documents read and their errors in one line."""

from __future__ import annotations

import json
from typing import Any

from typer.testing import CliRunner, Result

from core.cli import app
from core.sliders import SteerSettings
from core.storage.records import NewRun, NewSample, Run
from core.store import Store
from core.tasks import load_task

TASK = "hypotheses"


def call(store: Store | None, *words: str) -> Result:
    return CliRunner().invoke(app, ["--store", store.url, *words] if store else [*words])


def document(store: Store | None, *words: str) -> Any:
    result = call(store, *words)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def refused(store: Store | None, *words: str) -> str:
    """The one line of an explained error."""
    result = call(store, *words)
    assert (result.exit_code, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    return line


def misused(*words: str) -> str:
    """What is said about a command that was not written as it should be."""
    result = call(None, *words)
    assert (result.exit_code, result.stdout) == (2, "")
    return result.stderr


def written(store: Store, sliders: SteerSettings, task: str = TASK) -> Run:
    """A finished run of two queries and two replicates, by hand."""
    queries = [query.id for query in load_task(task).with_role("probe")[:2]]
    run = store.create_run(
        NewRun(
            kind="steer",
            task=task,
            settings=sliders.as_dict(),
            pair="0-m-float32",
            queries=tuple(queries),
            replicates=2,
            expected=4,
        ),
        "done",
    )
    store.add_round(
        run.id,
        [
            NewSample(
                query=query,
                replicate=replicate,
                chain=replicate,
                round=0,
                text=f"{query} γ\u2028{replicate} {run.id}",
                token_ids=tuple(range(replicate + 1)),
                finish="end" if replicate else "length",
            )
            for query in queries
            for replicate in range(2)
        ],
        seconds=1.5,
    )
    return store.run(run.id)
