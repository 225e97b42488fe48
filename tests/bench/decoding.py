"""Steered decoding against its limit, against plain `generate`, and against the loop as the STEER authors run it.

    python -m tests.bench.decoding [--json] [--batch 32] [--tokens 48] [--rounds 5]

All roads write the same number of tokens for the same prompts (end-of-text is switched off). The roads take
turns, round by round, and each ratio is the median over rounds of the ratio within a round, so that a machine
whose speed drifts does not favour one of them.

steered_over_limit          steered, contexts shared by the round (the default), over the raw limit (a)
steered_over_limit_per_row  steered, one negative context a row, over (a)
steered_over_own_cache      the same over (a'): the three forwards on our own preallocated cache, nothing else
steered_over_generate       the shared default over (b): `generate` on the expert alone, same batch
steered_over_authors        the shared default over (c): batch 1, inside a LogitsProcessor, two uncached forwards

(a) the raw limit is the same prefills and three forwards a step with transformers' own cache, one negative
context a row, and nothing else: no guidance, no truncation, no sampling.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from transformers import DynamicCache, LogitsProcessor, LogitsProcessorList
from transformers.cache_utils import Cache

from core.branches import Branch, left_padded
from core.cache import preallocated
from core.decoding import Row, write
from core.models import ModelPair, available_pairs, load_pair
from core.negatives import Pool, context, draw, real_rows
from core.noise import noise_key
from core.sliders import SteerSettings
from core.tasks import Task, load_task

AUTHORS_ROWS = 2
"""The authors' loop writes one row at a time; two rows are enough to measure its speed."""


def make_rows(pair: ModelPair, task: Task, settings: SteerSettings, batch: int, *, shared: bool) -> list[Row]:
    """Rows of a first round: probe prompts, and contexts drawn for each round or for each row."""
    probe = task.with_role("probe")
    rows = []
    for number in range(batch):
        chain = number // settings.round_size if shared else number
        query = probe[number % settings.round_size]
        drawn = draw(Pool(real_rows(task)), settings, ("bench", chain), query=(query.id, query.text), embed=None)
        negative, _ = context(drawn, pair.encode, pair.window - settings.max_new_tokens)
        rows.append(Row(pair.encode(task.prompt(query)), negative, noise_key("bench", number)))
    return rows


def raw_limit(pair: ModelPair, rows: list[Row], tokens: int, new_cache: Callable[[int], Cache]) -> None:
    """The prefills and the three cached forwards of every step, and nothing else."""
    branches: list[tuple[Any, list[tuple[int, ...]]]] = [
        (pair.expert, [row.prompt for row in rows]),
        (pair.base, [row.prompt for row in rows]),
        (pair.expert, [row.negative for row in rows]),
    ]
    states = []
    with torch.inference_mode():
        for forward, contexts in branches:
            width = max(map(len, contexts))
            ids, mask = left_padded(contexts, width, pair.pad, "cpu")
            cache = new_cache(width + tokens)
            position = (mask.cumsum(-1) - 1).clamp(min=0)
            logits = forward(
                input_ids=ids,
                attention_mask=mask,
                position_ids=position,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            ).logits[:, -1]
            states.append([forward, cache, mask, position[:, -1:], logits])
        column = torch.full((len(rows), 1), 100)
        one = torch.ones((len(rows), 1), dtype=torch.long)
        for _ in range(tokens - 1):
            for state in states:
                forward, cache, mask, position, _ = state
                state[2], state[3] = torch.cat([mask, one], dim=1), position + 1
                state[4] = forward(
                    input_ids=column,
                    attention_mask=state[2],
                    position_ids=state[3],
                    past_key_values=cache,
                    use_cache=True,
                ).logits


def plain_generate(pair: ModelPair, rows: list[Row], tokens: int) -> None:
    """transformers' `generate` on the expert alone, the same prompts as one batch."""
    ids, mask = left_padded([row.prompt for row in rows], max(len(row.prompt) for row in rows), pair.pad, "cpu")
    pair.expert.generate(  # type: ignore[attr-defined]
        input_ids=ids,
        attention_mask=mask,
        do_sample=True,
        top_k=10,
        min_new_tokens=tokens,
        max_new_tokens=tokens,
        pad_token_id=pair.pad,
    )


class AuthorsProcessor(LogitsProcessor):
    """Guidance as the authors' released code does it: two more forwards over the whole text at every step."""

    def __init__(self, pair: ModelPair, row: Row, settings: SteerSettings) -> None:
        self.pair, self.row, self.settings = pair, row, settings

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        written = input_ids[:, len(self.row.prompt) :]
        base = self.pair.base(input_ids=input_ids, use_cache=False).logits[:, -1].log_softmax(-1)
        negative_ids = torch.cat([torch.tensor([self.row.negative]), written], dim=1)
        negative = self.pair.expert(input_ids=negative_ids, use_cache=False).logits[:, -1].log_softmax(-1)
        gamma, eta = self.settings.gamma, self.settings.eta
        return (1 + gamma) * scores.log_softmax(-1) - gamma * base - eta * negative  # type: ignore[return-value]


def authors_loop(pair: ModelPair, rows: list[Row], tokens: int, settings: SteerSettings) -> None:
    """Batch 1, guidance inside a LogitsProcessor."""
    for row in rows:
        pair.expert.generate(  # type: ignore[attr-defined]
            input_ids=torch.tensor([row.prompt]),
            attention_mask=torch.ones(1, len(row.prompt), dtype=torch.long),
            logits_processor=LogitsProcessorList([AuthorsProcessor(pair, row, settings)]),
            do_sample=True,
            top_k=10,
            min_new_tokens=tokens,
            max_new_tokens=tokens,
            pad_token_id=pair.pad,
        )


def cache_bytes(pair: ModelPair, rows: list[Row], tokens: int) -> int:
    """Bytes of the three caches of the shared default."""
    total = 0
    contexts = [[row.prompt for row in rows]] * 2 + [[row.negative for row in rows]]
    with torch.inference_mode():
        for forward, each in zip((pair.expert, pair.base, pair.expert), contexts, strict=True):
            branch = Branch(forward, each, length=tokens, pad=pair.pad, layers=pair.layers, device="cpu")
            for _ in branch.prefill():
                pass
            total += branch.nbytes()
    return total


def measure(batch: int, tokens: int, rounds: int) -> dict[str, float]:
    """Run every road `rounds` times in turns after one warm-up round."""
    task = load_task("hypotheses")
    pair = dataclasses.replace(load_pair(available_pairs("hypotheses")[0], layout="merged"), stops=frozenset())
    settings = SteerSettings(max_new_tokens=tokens)
    shared = make_rows(pair, task, settings, batch, shared=True)
    single = make_rows(pair, task, settings.with_(draw="sample"), batch, shared=False)
    roads: dict[str, tuple[int, Callable[[], object]]] = {
        "steered": (batch, lambda: write(pair, settings, shared)),
        "steered_per_row": (batch, lambda: write(pair, settings, single)),
        "limit": (batch, lambda: raw_limit(pair, single, tokens, lambda _: DynamicCache())),
        "own_cache": (batch, lambda: raw_limit(pair, single, tokens, lambda n: preallocated(pair.layers, n))),
        "generate": (batch, lambda: plain_generate(pair, shared, tokens)),
        "authors": (AUTHORS_ROWS, lambda: authors_loop(pair, single[:AUTHORS_ROWS], tokens, settings)),
    }
    speeds: dict[str, list[float]] = {name: [] for name in roads}
    for number in range(rounds + 1):
        for name, (rows, road) in roads.items():
            start = time.perf_counter()
            road()
            if number:
                speeds[name].append(rows * tokens / (time.perf_counter() - start))

    def ratio(one: str, other: str) -> float:
        return statistics.median(a / b for a, b in zip(speeds[one], speeds[other], strict=True))

    return {
        "steered_over_limit": ratio("steered", "limit"),
        "steered_over_limit_per_row": ratio("steered_per_row", "limit"),
        "steered_over_own_cache": ratio("steered_per_row", "own_cache"),
        "steered_over_generate": ratio("steered", "generate"),
        "steered_over_authors": ratio("steered", "authors"),
        "tokens_per_second": statistics.median(speeds["steered"]),
        "cache_bytes": cache_bytes(pair, shared, tokens),
        **{f"{name}_tokens_per_second": statistics.median(values) for name, values in speeds.items()},
    }


def main() -> None:
    """Print the figures, as a table or as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--tokens", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    figures = measure(options.batch, options.tokens, options.rounds)
    if options.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:32}{value:14,.2f}")


if __name__ == "__main__":
    main()
