"""The look at a whole file: which runs it holds, what is said of each, and what stands in the way."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from core.errors import ImportFormatError
from core.importing.answers import Answer
from core.importing.cells import Fault
from core.importing.columns import Columns
from core.importing.limits import Limits
from core.importing.problems import Kind, Problems, quoted
from core.importing.queries import Queries
from core.importing.spool import Kept, Spool
from core.settings import settings
from core.tasks import Role

REPORT_ROWS = 1_000


@dataclass
class Draft:
    """A run to be. settings, scores: value and the row that says it, by column; answered: answers by query id;
    contexts: number of each context, in the order of the file."""

    key: str
    role: Role
    settings: dict[str, tuple[Any, int]] = field(default_factory=dict)
    scores: dict[str, tuple[float, int]] = field(default_factory=dict)
    answered: dict[str, int] = field(default_factory=dict)
    contexts: dict[str, int] = field(default_factory=dict)

    def take(self, query: str, answer: Answer) -> Kept:
        """One more answer, as it will be stored.

        Its number is the file's, else its place among the run's answers to the query; its chain is that of its
        context, else its own, as where every replicate is a chain.
        """
        place = self.answered.get(query, 0)
        self.answered[query] = place + 1
        replicate = place if answer.replicate is None else answer.replicate
        chain = replicate
        if answer.context is not None:
            chain = self.contexts.setdefault(answer.context, len(self.contexts))
        return Kept(self.key, query, replicate, chain, answer.text)

    @property
    def rows(self) -> int:
        """How many answers it has."""
        return sum(self.answered.values())

    @property
    def shares_contexts(self) -> bool:
        """Whether some answers were written in one context; a context of one answer ties nothing."""
        return bool(self.contexts) and len(self.contexts) < self.rows


@dataclass
class Survey:
    """A whole file that can be imported. drafts: by run key, in the order of the file; repeated: rows that
    say what an earlier one says (run, query and text), which a generator that repeats itself may well write."""

    drafts: dict[str, Draft] = field(default_factory=dict)
    repeated: Kind = field(default_factory=Kind)

    @property
    def rows(self) -> int:
        """How many answers there are."""
        return sum(draft.rows for draft in self.drafts.values())


def survey(
    found: Iterable[Answer],
    columns: Columns,
    queries: Queries,
    problems: Problems,
    spool: Spool,
    *,
    file: str,
    only_run: str,
    limits: Limits,
    progress: Callable[[int], None],
) -> Survey:
    """Look at every answer once and keep it in the spool; what is wrong with a row goes to `problems`.

    only_run: key of the run where the file names none. Raises ImportFormatError where there are too many runs.
    """
    whole = Survey()
    seen: set[bytes] = set()
    for count, answer in enumerate(found, start=1):
        if count % REPORT_ROWS == 0:
            progress(count)
        try:
            query, role = queries.find(answer.query)
        except Fault as fault:
            problems.add(fault.kind, answer.row, fault.example)
            continue
        key = only_run if answer.run is None else answer.run
        if key not in whole.drafts:
            if len(whole.drafts) >= limits.runs:
                raise ImportFormatError(
                    f"{file} has more than {limits.runs:,} different runs; look whether {columns.run!r} is the right "
                    "column, or split the file."
                )
            whole.drafts[key] = Draft(key, role)
        draft = whole.drafts[key]
        if role != draft.role:
            problems.add("probe and training queries in one run", answer.row, f"run {quoted(key)}")
        _read_once(draft, draft.settings, columns.settings, answer.settings, answer.row, problems)
        _read_once(draft, draft.scores, columns.scores, answer.scores, answer.row, problems)
        _compare(whole, seen, key, query, answer, problems)
        kept = draft.take(query, answer)
        if not problems:
            spool.add(kept)
    _check_sizes(whole)
    return whole


def _read_once(
    draft: Draft,
    said: dict[str, tuple[Any, int]],
    columns: Iterable[str],
    values: Iterable[Any],
    row: int,
    problems: Problems,
) -> None:
    """A run has one value of each column; an empty cell says nothing against it."""
    for column, value in zip(columns, values, strict=True):
        if value is None:
            continue
        first, where = said.setdefault(column, (value, row))
        if first != value or isinstance(first, bool) != isinstance(value, bool):
            example = f"run {quoted(draft.key)} with {quoted(first)} in row {where} and {quoted(value)} in row {row}"
            problems.add(f"a second value of {column!r} for one run", row, example)


def _compare(whole: Survey, seen: set[bytes], key: str, query: str, answer: Answer, problems: Problems) -> None:
    """Replicates of one number cannot both be stored; equal texts without numbers are only worth a word."""
    which = answer.text if answer.replicate is None else f"#{answer.replicate}"
    digest = hashlib.blake2b("\0".join((key, query, which)).encode(), digest_size=16).digest()
    if digest not in seen:
        seen.add(digest)
    elif answer.replicate is None:
        whole.repeated.add(answer.row)
    else:
        example = f"run {quoted(key)}, query {quoted(query)}, replicate {answer.replicate}"
        problems.add("a replicate that stands twice", answer.row, example)


def _check_sizes(whole: Survey) -> None:
    most = settings().max_samples
    for draft in whole.drafts.values():
        if draft.rows > most:
            raise ImportFormatError(
                f"The run {quoted(draft.key)} has {draft.rows:,} rows, above the limit of {most:,}; "
                "split it or raise STEERSCOPE_MAX_SAMPLES."
            )
