"""The negative pool: what a text is steered away from, which examples are drawn, and how they become a context.

A pool belongs to one chain. It holds the task's real training rows and what the chain has written so far.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.noise import generator
from core.sliders import SteerSettings
from core.tasks import Task

Embed = Callable[[Sequence[str]], NDArray[np.float32]]
"""Texts -> (n, p) unit vectors."""


@dataclass(frozen=True)
class PoolRow:
    """One example: `key` says where it comes from ("real/train-03/2" or "written/probe-01/4")."""

    key: str
    text: str
    query: str


@dataclass
class Pool:
    """The examples of one chain, oldest first: real rows, then what was written, in the order it was written."""

    real: tuple[PoolRow, ...]
    written: list[PoolRow] = field(default_factory=list)

    def add(self, query: str, replicate: int, text: str) -> None:
        """Let a finished sample join; an empty text is no example and stays out."""
        if text:
            self.written.append(PoolRow(f"written/{query}/{replicate}", text, query))

    def candidates(self, settings: SteerSettings) -> list[PoolRow]:
        """The rows that the policy may draw from, oldest first."""
        if settings.policy == "real-only":
            return list(self.real)
        if settings.policy in ("synthetic-only", "recent"):
            return list(self.written)
        return [*self.real, *self.written]


def real_rows(task: Task) -> tuple[PoolRow, ...]:
    """The real rows of a pool: references of the training queries, never of probe or test queries."""
    return tuple(
        PoolRow(f"real/{query.id}/{number}", text, query.id)
        for query in task.with_role("train")
        for number, text in enumerate(query.references)
    )


def draw(
    pool: Pool,
    settings: SteerSettings,
    draw_key: Sequence[object],
    *,
    query: tuple[str, str],
    embed: Embed | None,
) -> list[PoolRow]:
    """The examples of one negative context, oldest first; fewer than asked for where the pool holds fewer.

    draw_key names the draw (chain and round, and the sample where every sample draws for itself): the same
    key and the same pool give the same examples. query: id and text of the query, which `nearest` needs:
    it takes the rows nearest to what this query has already produced in the chain, or to the query itself.
    """
    rows = pool.candidates(settings)
    k = min(settings.negatives, len(rows))
    if settings.policy == "recent":
        return rows[len(rows) - k :]
    if settings.policy == "nearest":
        assert embed is not None, "policy nearest needs an embedder"
        return [rows[i] for i in _nearest(rows, k, pool, query, embed)]
    chosen = generator("negatives", settings.seed, settings.key(), *draw_key).choice(len(rows), size=k, replace=False)
    return [rows[i] for i in sorted(chosen.tolist())]


def context(
    rows: Sequence[PoolRow], encode: Callable[[str], tuple[int, ...]], room: int
) -> tuple[tuple[int, ...], list[PoolRow]]:
    """Token ids of the examples joined by one newline, and the examples that fitted into `room` tokens.

    Whole examples are dropped, oldest first. With none left the context is empty text: the start token
    alone, or one newline where the model has no start token.
    """
    kept = list(rows)
    ids = encode("\n".join(row.text for row in kept))
    while kept and len(ids) > room:
        del kept[0]
        ids = encode("\n".join(row.text for row in kept))
    return ids or encode("\n"), kept


def _nearest(rows: list[PoolRow], k: int, pool: Pool, query: tuple[str, str], embed: Embed) -> list[int]:
    own = [row.text for row in pool.written if row.query == query[0]]
    target = embed(own or [query[1]]).mean(axis=0)
    closeness = embed([row.text for row in rows]) @ target if rows else np.zeros(0, np.float32)
    # rounded, so that float noise between machines cannot reorder ties; then the older row first
    return sorted(np.argsort(-np.round(closeness, 5), kind="stable")[:k].tolist())
