"""`import_generations`: a file of any model's answers becomes runs of a task, all of it or nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import ImportFormatError, SettingsError
from core.importing.answers import answers
from core.importing.columns import Columns
from core.importing.files import digest, opened, shown
from core.importing.forms import table_of
from core.importing.limits import LIMITS, Limits
from core.importing.new_task import check_name, remove_task, write_task
from core.importing.origin import Origin
from core.importing.problems import Problems
from core.importing.queries import KnownQueries, NewQueries
from core.importing.spool import Spool
from core.importing.storing import store_runs
from core.importing.survey import Survey, survey
from core.storage.rows import storable
from core.store import Store
from core.tasks import load_task

Progress = Callable[[int, int | None, str], None]
"""Called with rows done, all rows where they are counted, and what is being done."""


@dataclass(frozen=True)
class Imported:
    """runs: ids, in the order in which the file names them; rows: answers in them; task: its name; new: rows that
    this call stored, fewer where it was called before; warnings: sentences."""

    runs: tuple[str, ...]
    rows: int
    task: str
    new: int
    warnings: tuple[str, ...]


def import_generations(
    store: Store,
    path: Path,
    *,
    task: str | None = None,
    new_task: str | None = None,
    columns: Mapping[str, str] | None = None,
    settings: Sequence[str] = (),
    scores: Sequence[str] = (),
    limits: Limits = LIMITS,
    progress: Progress = lambda done, total, what: None,
) -> Imported:
    """Store every run of a CSV, JSON lines or Parquet file; asked for again, it stores nothing twice.

    task: of an existing task, whose queries the file names by id or text; new_task: name of one to be made, with
    the file's queries and no real rows. columns: column by meaning (`Columns`), settings, scores: columns that
    are read once a run. The file is read row by row, and stored in one transaction when all of it was checked.

    Raises ImportFormatError where the file or any of its rows cannot be used, NotFoundError for an unknown task,
    SettingsError for a name that cannot be used; store and tasks are then as they were.
    """
    if (task is None) == (new_task is None):
        raise SettingsError("Generations go into one task; name either an existing one or a new one.")
    known = None if task is None else load_task(task)
    goal = str(task if new_task is None else new_task)
    with opened(path, limits) as file, Spool() as spool:
        name = storable(shown(Path(path.name)))
        table = table_of(file, path.name, limits)
        chosen = Columns.of(table.columns, columns or {}, settings, scores, name, limits)
        content = digest(file, name)
        asked = _asked(content, goal, chosen)
        if new_task is not None:
            check_name(new_task, asked)
        problems = Problems()
        queries = NewQueries(name, limits) if known is None else KnownQueries(known, name)
        whole = survey(
            answers(table, chosen, name, limits, problems),
            chosen,
            queries,
            problems,
            spool,
            file=name,
            only_run=storable(_stem(path)),
            limits=limits,
            progress=lambda done: progress(done, None, "checking"),
        )
        if digest(file, name) != content:
            raise ImportFormatError(f"{name} changed while it was read; import it again once nobody writes it.")
        if problems:
            raise problems.error(name)
        if not whole.rows:
            raise ImportFormatError(f"{name} holds no rows; export the generations again.")
        origins = {
            key: Origin(name, content, key, asked, chosen.context if draft.shares_contexts else None)
            for key, draft in whole.drafts.items()
        }
        made = False

        def before_end() -> None:
            nonlocal made
            if isinstance(queries, NewQueries):
                made = write_task(goal, name, asked, queries.texts)

        try:
            runs, new = store_runs(
                store,
                goal,
                whole,
                spool,
                origins,
                progress=lambda done: progress(done, whole.rows, "storing"),
                before_end=before_end,
            )
        except BaseException:
            if made:
                remove_task(goal)
            raise
    return Imported(tuple(runs.values()), whole.rows, goal, new, _warnings(name, whole, new))


def _stem(path: Path) -> str:
    """What the file calls its only run: its own name without the endings."""
    return (Path(path.stem).stem if path.suffix.lower() == ".gz" else path.stem) or "run"


def _asked(content: str, goal: str, chosen: Columns) -> str:
    """A digest of the file, the task and how it is read."""
    told = json.dumps([content, goal, chosen.as_dict()], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def _warnings(name: str, whole: Survey, new: int) -> tuple[str, ...]:
    told = []
    if whole.repeated.total:
        told.append(
            f"{name} says the same text again for the same run and query in {whole.repeated.where}; that is as it "
            "should be where the generator repeats itself, and wrong where the file was joined from parts twice."
        )
    if not new:
        told.append(f"{name} was imported before in the same way, so nothing was stored twice.")
    elif new < whole.rows:
        told.append(f"{name} was imported before in the same way; {new:,} rows of deleted runs were stored again.")
    return tuple(told)
