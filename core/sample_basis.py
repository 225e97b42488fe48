"""What a sample view is laid out from: the real rows of a task, or, where it has too few, the samples themselves.

Whatever is chosen must not change with every sample that arrives, or the picture would jump each time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from core.embedding import content_key
from core.sample_view import FEW, view_id
from core.storage.records import Run
from core.store import Store
from core.tasks import Task

MOST_ROWS = 4000
"""Texts that are laid out among themselves: 4,000 take UMAP some seven seconds; the rest is placed among them."""


@dataclass(frozen=True)
class Basis:
    """The texts that one sample view is laid out from.

    texts: by content key, every text once, in the order of the keys; real_rows: how many different real rows
    the task has. From FEW on the texts are real rows alone, below that all of them are among the texts.
    """

    task: str
    texts: dict[str, str]
    real_rows: int

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The content keys, sorted."""
        return tuple(self.texts)

    def view(self, seed: int) -> str:
        """The name of the view in the store."""
        return view_id(self.task, self.keys, seed)

    @property
    def flat(self) -> bool:
        """Whether there are too few texts for neighbourhoods."""
        return len(self.texts) < FEW

    def said(self, seed: int) -> str:
        """In one sentence, what the picture is made from and what can be read from it."""
        size, rows = len(self.texts), self.real_rows
        if size == 0:
            return "There is no text to show yet."
        if self.flat:
            counted = "is only one text" if size == 1 else f"are only {size} different texts"
            return f"There {counted}: too few for neighbourhoods, so this is the plane in which they differ most."
        if rows >= FEW:
            which = f"the {rows:,} real rows" if size == rows else f"{size:,} of the {rows:,} real rows"
            return f"UMAP of {which} (seed {seed}) with the synthetic samples placed among them: {_READ}"
        why = "has no real rows" if rows == 0 else f"has only {_counted(rows, 'real row')}"
        these = f"{size - rows:,} synthetic samples" + (f" and {_counted(rows, 'real row')}" if rows else "")
        return f"The task {why}, so this is a UMAP of {these} (seed {seed}) with the others placed among them: {_READ}"


_READ = "only neighbourhoods mean something."


def basis_of(store: Store, task: Task) -> Basis:
    """The texts that the sample view of a task is laid out from now.

    The real rows of the probe queries, from FEW different ones on; of very many those with the lowest
    content keys, as good as drawn at random. Otherwise synthetic samples, with what real rows there are: as many of
    each of the oldest runs that have ended, these runs being the first 1, 2, 4, 8, ... so that a new run
    seldom changes anything; while nothing has ended, the first 16, 32, 64, ... samples.
    """
    real = by_key(reference.text for reference in task.references("probe"))
    if len(real) >= FEW:
        return Basis(task.name, {key: real[key] for key in sorted(real)[:MOST_ROWS]}, len(real))
    runs = sorted((run for run in store.runs(task=task.name) if run.samples), key=lambda run: (run.created, run.id))
    ended = [run for run in runs if not run.active]
    first = _first_texts(store, ended[: _power_of_two(len(ended))])
    if len(real | first) < FEW:
        first = _first_texts(store, runs)
        if len(real | first) >= FEW:
            first = dict(list(first.items())[: _power_of_two(len(first))])
    texts = real | first
    return Basis(task.name, {key: texts[key] for key in sorted(texts)}, len(real))


def by_key(texts: Iterable[str]) -> dict[str, str]:
    """Texts by content key, every one once, in the order of their first."""
    found: dict[str, str] = {}
    for text in texts:
        found.setdefault(content_key(text), text)
    return found


def _first_texts(store: Store, runs: list[Run]) -> dict[str, str]:
    """The oldest samples of every run, the same number of each."""
    share = max(MOST_ROWS // max(len(runs), 1), 1)
    return by_key(sample.text for run in runs[:MOST_ROWS] for sample in store.samples(run.id, limit=share))


def _power_of_two(number: int) -> int:
    """The largest power of two up to a number; 0 for 0."""
    return 1 << (number.bit_length() - 1) if number else 0


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")
