"""The decoding loop on the bundled pair: exact answers, and the plain uncached road as its judge."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch

from core.branches import Branch
from core.decoding import Row, Written, collect, decode, sample, write
from core.models import ModelPair, available_pairs, load_pair
from core.negatives import real_rows
from core.noise import noise_key
from core.sliders import SteerSettings
from core.steer import guide, log_probabilities
from core.tasks import Task
from core.truncation import implausible, truncate

SHORT = SteerSettings(gamma=0.4, eta=0.3, max_new_tokens=10, top_k=0)


def make_rows(pair: ModelPair, task: Task, chains: int, queries: int) -> list[Row]:
    """Rows as a run has them: one negative context a chain, prompts of different lengths."""
    examples = [row.text for row in real_rows(task)]
    made = []
    for chain in range(chains):
        negative = pair.encode("\n".join(examples[chain * 7 : chain * 7 + 4 + chain]))
        for number in range(queries):
            prompt = pair.encode(task.prompt(task.queries[number]))
            made.append(Row(prompt, negative, noise_key("test", chain, number)))
    return made


def slowly(pair: ModelPair, settings: SteerSettings, row: Row) -> list[int]:
    """The same by the plain road: one row, no cache, no padding, everything read again at every step."""
    ids: list[int] = []
    with torch.inference_mode():
        for step in range(settings.max_new_tokens):

            def read(forward: object, context: Sequence[int]) -> torch.Tensor:
                logits = forward(input_ids=torch.tensor([[*context, *ids]])).logits[:, -1]  # type: ignore[operator]
                return log_probabilities(logits)

            expert = read(pair.expert, row.prompt)
            base = read(pair.base, row.prompt) if settings.gamma else None
            negative = read(pair.expert, row.negative) if settings.uses_negatives else None
            eta = settings.eta if negative is not None else 0.0
            score = truncate(
                guide(expert, base, negative, settings.gamma, eta, settings.mode),
                implausible(expert, settings.alpha),
                settings.temperature,
                settings.top_k,
                settings.top_p,
                settings.min_p,
            )
            ids.append(int(sample(score, [row.key], step)[0]))
            if ids[-1] in pair.stops:
                break
    return ids


@pytest.mark.parametrize(
    "settings",
    [
        SHORT,
        SHORT.with_(mode="balanced", eta=0.8, top_p=0.9),
        SHORT.with_(alpha=0.1, temperature=1.4, min_p=0.02, top_k=20),
    ],
    ids=["subtract", "balanced", "plausible"],
)
def test_cached_and_batched_equals_uncached_one_by_one(pair: ModelPair, task: Task, settings: SteerSettings) -> None:
    rows = make_rows(pair, task, chains=2, queries=3)
    written = write(pair, settings, rows)
    assert [one.tokens for one in written] == [slowly(pair, settings, row) for row in rows]


def test_a_batch_equals_batches_of_one_under_left_padding(pair: ModelPair, task: Task) -> None:
    rows = make_rows(pair, task, chains=4, queries=3)
    together = write(pair, SHORT, rows)
    alone = [write(pair, SHORT, [row])[0] for row in rows]
    for one, other in zip(together, alone, strict=True):
        assert one.tokens == other.tokens
        np.testing.assert_allclose(one.branches, other.branches, atol=2e-4)


def test_rows_leave_the_batch_and_the_rest_goes_on_unchanged(pair: ModelPair, task: Task) -> None:
    rows = make_rows(pair, task, chains=3, queries=4)
    settings = SHORT.with_(max_new_tokens=40)
    columns = [column for column in decode(pair, settings, rows) if column is not None]
    together = [Written() for _ in rows]
    for column in columns:
        collect(together, column)
    sizes = [len(column.rows) for column in columns]
    assert sizes[0] == 12
    assert sizes[-1] < 12
    # Those that stayed the longest have seen the most of the others leave.
    stayed = sorted(range(12), key=lambda row: len(together[row].tokens))[-5:]
    alone = [write(pair, settings, [rows[row]])[0].tokens for row in stayed]
    assert [together[row].tokens for row in stayed] == alone


@pytest.mark.parametrize("grouped", [True, False])
def test_a_context_kept_once_gives_the_logits_of_one_kept_for_each_row(
    pair: ModelPair, task: Task, grouped: bool
) -> None:
    rows = make_rows(pair, task, chains=3, queries=4)
    branch = Branch(
        pair.expert, [row.negative for row in rows], length=6, pad=pair.pad, layers=pair.layers, device="cpu"
    )
    branch.grouped = grouped
    generator = np.random.default_rng(4)
    tokens = torch.from_numpy(generator.integers(5, 6000, (6, 12)))
    keep = torch.tensor([0, 2, 3, 6, 7, 8, 11])
    later = torch.tensor([1, 3, 5])
    with torch.inference_mode():
        first = [result for result in branch.prefill() if result is not None][-1]
        seen = [first, branch.step(tokens[0]), branch.step(tokens[1])]
        branch.keep(keep)
        seen += [branch.step(tokens[2, keep])]
        branch.keep(later)
        seen += [branch.step(tokens[3, keep][later])]
        for living, logits, written in (
            (range(12), seen[2], tokens[:2]),
            (keep.tolist(), seen[3], tokens[:3]),
            (keep[later].tolist(), seen[4], tokens[:4]),
        ):
            for place, row in enumerate(living):
                ids = torch.tensor([[*rows[row].negative, *written[:, row].tolist()]])
                plain = pair.expert(input_ids=ids).logits[0, -1]
                torch.testing.assert_close(logits[place], plain, atol=2e-4, rtol=1e-4)


def test_without_guidance_it_is_expert_sampling_token_for_token(pair: ModelPair, task: Task) -> None:
    rows = make_rows(pair, task, chains=2, queries=2)
    plain = SHORT.with_(gamma=0.0, eta=0.0)
    written = write(pair, plain, rows)
    for row, one in zip(rows, written, strict=True):
        ids = torch.tensor([[*row.prompt, *one.tokens]])
        with torch.inference_mode():
            logs = log_probabilities(pair.expert(input_ids=ids).logits[0, len(row.prompt) - 1 : -1])
        for step, token in enumerate(one.tokens):
            assert int(sample(logs[step : step + 1], [row.key], step)[0]) == token
        assert np.isnan(one.branches[1:]).all()


def test_a_base_equal_to_the_expert_makes_gamma_inert(pair: ModelPair, task: Task) -> None:
    twin = dataclasses.replace(pair, base=pair.expert)
    rows = make_rows(pair, task, chains=2, queries=2)
    plain = write(twin, SHORT.with_(gamma=0.0, eta=0.0), rows)
    steered = write(twin, SHORT.with_(gamma=1.5, eta=0.0), rows)
    assert [one.tokens for one in plain] == [one.tokens for one in steered]


def test_a_negative_context_equal_to_the_prompt_is_a_temperature_or_nothing(pair: ModelPair, task: Task) -> None:
    rows = [dataclasses.replace(row, negative=row.prompt) for row in make_rows(pair, task, 2, 3)]
    expert = SHORT.with_(gamma=0.0, eta=0.0)
    balanced = write(pair, SHORT.with_(gamma=0.0, eta=0.6, mode="balanced"), rows)
    assert [one.tokens for one in balanced] == [one.tokens for one in write(pair, expert, rows)]
    # subtract mode leaves (1 - eta) l_exp: the expert at T / (1 - eta)
    subtract = write(pair, SHORT.with_(gamma=0.0, eta=0.5), rows)
    warmer = write(pair, expert.with_(temperature=2.0), rows)
    assert [one.tokens for one in subtract] == [one.tokens for one in warmer]


def test_plausibility_one_is_greedy(pair: ModelPair, task: Task) -> None:
    rows = make_rows(pair, task, chains=1, queries=3)
    written = write(pair, SHORT.with_(alpha=1.0, gamma=0.0, eta=0.0), rows)
    with torch.inference_mode():
        for row, one in zip(rows, written, strict=True):
            ids = torch.tensor([list(row.prompt)])
            for token in one.tokens:
                best = int(pair.expert(input_ids=ids).logits[0, -1].argmax())
                assert best == token
                ids = torch.cat([ids, torch.tensor([[token]])], dim=1)


def test_a_vocabulary_row_masked_to_minus_infinity_is_never_written(pair: ModelPair, task: Task) -> None:
    rows = make_rows(pair, task, chains=2, queries=2)
    usual = write(pair, SHORT, rows)
    banned = usual[0].tokens[0]

    def masked(forward: object) -> object:
        def call(**inputs: object) -> object:
            out = forward(**inputs)  # type: ignore[operator]
            out.logits[..., banned] = -math.inf
            return out

        return call

    pair_with_hole = dataclasses.replace(pair, expert=masked(pair.expert), base=masked(pair.base))
    written = write(pair_with_hole, SHORT, rows)
    assert all(banned not in one.tokens for one in written)
    assert all(np.isfinite(one.branches).all() for one in written)


def test_end_of_text_is_reached_and_its_log_probability_kept(pair: ModelPair, task: Task) -> None:
    written = write(pair, SteerSettings(gamma=0.2, eta=0.2, max_new_tokens=60), make_rows(pair, task, 3, 3))
    ended = [one for one in written if one.finish == "end"]
    assert len(ended) >= 5
    for one in ended:
        assert one.tokens[-1] in pair.stops
        assert not pair.stops & set(one.tokens[:-1])
        assert one.branches.shape == (3, len(one.tokens))


def test_cancel_is_read_at_every_step(pair: ModelPair, task: Task) -> None:
    rows = make_rows(pair, task, chains=2, queries=2)
    calls = 0

    def cancelled() -> bool:
        nonlocal calls
        calls += 1
        return calls > 6

    columns = [column for column in decode(pair, SHORT.with_(eta=0.0), rows, cancelled) if column is not None]
    # two flags are read while the prompts of two branches are, the rest one a step
    assert len(columns) == 4


def test_adapter_and_merged_copy_write_the_same(pair: ModelPair, task: Task) -> None:
    adapter = load_pair(available_pairs(task.name)[0], layout="adapter")
    assert adapter.fingerprint != pair.fingerprint
    rows = make_rows(pair, task, chains=2, queries=2)
    one = write(adapter, SHORT, rows)
    other = write(pair, SHORT, rows)
    for a, b in zip(one, other, strict=True):
        n = min(len(a.tokens), len(b.tokens), 6)
        assert a.tokens[:n] == b.tokens[:n]
        np.testing.assert_allclose(a.branches[:, :n], b.branches[:, :n], atol=2e-2)


def test_a_second_full_model_can_be_the_expert(pair: ModelPair, task: Task, tmp_path: object) -> None:
    pair.expert.save_pretrained(tmp_path)
    pair.tokenizer.save_pretrained(tmp_path)
    spec = dataclasses.replace(pair.spec, expert=str(tmp_path))
    two = load_pair(spec)
    assert two.layout == "two-models"
    rows = make_rows(pair, task, chains=1, queries=2)
    assert [one.tokens for one in write(two, SHORT, rows)] == [one.tokens for one in write(pair, SHORT, rows)]


def test_two_runs_that_take_turns_write_what_each_writes_alone(pair: ModelPair, task: Task) -> None:
    """The worker steps its jobs in turn; the shorter one's end must not touch the other."""
    short, long = SHORT.with_(max_new_tokens=4), SHORT.with_(max_new_tokens=9)
    rows = make_rows(pair, task, chains=1, queries=2)
    alone = [write(pair, settings, rows) for settings in (short, long)]
    together = [[Written() for _ in rows] for _ in alone]
    waiting = [
        (decode(pair, settings, rows), written) for settings, written in zip((short, long), together, strict=True)
    ]
    while waiting:
        for each in list(waiting):
            steps, written = each
            try:
                column = next(steps)
            except StopIteration:
                waiting.remove(each)
                continue
            assert not torch.is_inference_mode_enabled()
            if column is not None:
                collect(written, column)
    assert [[one.tokens for one in each] for each in together] == [[one.tokens for one in each] for each in alone]


def test_nothing_to_write_is_nothing_written(pair: ModelPair) -> None:
    assert list(decode(pair, SHORT, [])) == []
    assert write(pair, SHORT, []) == []
    assert Written().branches.shape == (3, 0)
