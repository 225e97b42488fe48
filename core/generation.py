"""A run: queries x replicates -> samples, chain by chain and round by round; it stores nothing itself.

The order of work, the pools and the noise follow from settings, pair, queries and replicates alone, so
a run that was interrupted goes on with what is stored, and the compute batch never changes a text.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass

from core.decoding import Row, Written, collect, decode
from core.errors import SettingsError
from core.models import ModelPair
from core.negatives import Embed, Pool, context, draw, real_rows
from core.noise import noise_key
from core.sliders import SteerSettings
from core.storage.records import NewSample
from core.tasks import Query, Task


@dataclass(frozen=True)
class Round:
    """The unit of work: what one chain writes against one state of its pool, and then adds to it."""

    chain: int
    number: int
    cells: tuple[tuple[Query, int], ...]


@dataclass(frozen=True)
class Plan:
    """What a run writes: every query `replicates` times."""

    task: Task
    settings: SteerSettings
    queries: tuple[Query, ...]
    replicates: int

    def __post_init__(self) -> None:
        if not self.queries:
            raise SettingsError(f"The task {self.task.name!r} has no query to answer; ask for at least one query.")
        if self.replicates < 1:
            raise SettingsError(f"replicates is {self.replicates}; ask for at least one answer to each query.")

    @property
    def samples(self) -> int:
        """How many samples the run holds when it is complete."""
        return len(self.queries) * self.replicates

    def rounds(self) -> list[Round]:
        """All rounds, in an order in which every round follows the earlier ones of its chain.

        A chain passes over the queries once for every replicate it carries (replicate r belongs to
        chain r mod chains); a round never spans two passes.
        """
        chains = self.settings.chain_count(self.replicates)
        size = self.settings.round_size
        rounds = []
        for chain in range(chains):
            number = 0
            for replicate in range(chain, self.replicates, chains):
                for start in range(0, len(self.queries), size):
                    cells = tuple((query, replicate) for query in self.queries[start : start + size])
                    rounds.append(Round(chain, number, cells))
                    number += 1
        return sorted(rounds, key=lambda r: (r.number, r.chain))


def plan(task: Task, settings: SteerSettings, *, role: str, queries: int | None, replicates: int) -> Plan:
    """A plan over the first `queries` queries of a role (all of them by default); SettingsError if too many."""
    asked = [query for query in task.queries if query.role == role]
    count = len(asked) if queries is None else queries
    if not 1 <= count <= len(asked):
        raise SettingsError(
            f"queries is {count}, and the task {task.name!r} has {len(asked)} {role} queries; "
            f"give a number from 1 to {len(asked)}."
        )
    return Plan(task, settings, tuple(asked[:count]), replicates)


def generate(
    pair: ModelPair,
    work: Plan,
    *,
    batch_size: int,
    stored: Iterable[NewSample] = (),
    embed: Embed | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[list[NewSample] | None]:
    """Write what is not stored yet: yields None after each small piece of work, a list after each finished batch.

    A list holds whole rounds and is to be stored in one transaction. embed is needed by the policy
    `nearest` alone. Once `cancelled` says so, the generator returns within one decoding step.
    """
    pools: dict[int, Pool] = defaultdict(lambda: Pool(real_rows(work.task)))
    known = {(sample.query, sample.replicate): sample for sample in stored}
    pending = []
    for unit in work.rounds():
        done = [known.get((query.id, replicate)) for query, replicate in unit.cells]
        if all(done):
            _join(pools[unit.chain], [sample for sample in done if sample is not None])
        else:
            pending.append(unit)
    for batch in _batches(pending, batch_size, apart=work.settings.pool_grows):
        finished = yield from _write_batch(pair, work, batch, pools, batch_size, embed, cancelled)
        if finished is None:
            return
        for unit in batch:
            _join(pools[unit.chain], [sample for sample in finished if sample.chain == unit.chain])
        yield finished


def preview_rows(pair: ModelPair, work: Plan) -> list[Row]:
    """The rows of a preview: the first replicate of every query against the real rows only.

    The one place where settings share noise: the same query meets the same draws whatever the sliders
    say, so that a change of text is a change made by the sliders.
    """
    rows = []
    for query in work.queries:
        negative, _ = _negative(pair, work, Pool(real_rows(work.task)), ("preview",), query, None)
        prompt = pair.encode(work.task.prompt(query))
        rows.append(Row(prompt, negative, noise_key("preview", work.settings.seed, work.task.prompt(query))))
    return rows


def _batches(pending: Sequence[Round], batch_size: int, *, apart: bool) -> Iterator[list[Round]]:
    """Rounds that are decoded together. Rounds of one chain stay apart where the later reads the earlier."""
    batch: list[Round] = []
    for unit in pending:
        rows = sum(len(other.cells) for other in batch) + len(unit.cells)
        follows = apart and any(other.chain == unit.chain for other in batch)
        if batch and (rows > batch_size or follows):
            yield batch
            batch = []
        batch.append(unit)
    if batch:
        yield batch


def _write_batch(
    pair: ModelPair,
    work: Plan,
    batch: Sequence[Round],
    pools: dict[int, Pool],
    batch_size: int,
    embed: Embed | None,
    cancelled: Callable[[], bool],
) -> Generator[None, None, list[NewSample] | None]:
    """Decode the rounds of a batch; returns their samples, or None where it was cancelled."""
    rows: list[Row] = []
    places: list[tuple[Round, Query, int, tuple[str, ...]]] = []
    for unit in batch:
        shared: tuple[tuple[int, ...], tuple[str, ...]] | None = None
        for query, replicate in unit.cells:
            each = work.settings.draw == "sample" or work.settings.policy == "nearest"
            if each or shared is None:
                name = (unit.chain, unit.number, *((query.id, replicate) if each else ()))
                shared = _negative(pair, work, pools[unit.chain], name, query, embed)
            prompt = pair.encode(work.task.prompt(query))
            rows.append(Row(prompt, shared[0], sample_key(pair, work, query, replicate)))
            places.append((unit, query, replicate, shared[1]))
    written = [Written() for _ in rows]
    for start in range(0, len(rows), batch_size):
        part = written[start : start + batch_size]
        for column in decode(pair, work.settings, rows[start : start + batch_size], cancelled):
            if column is not None:
                collect(part, column)
            yield None
        if cancelled():
            return None
    return [
        NewSample(
            query=query.id,
            replicate=replicate,
            chain=unit.chain,
            round=unit.number,
            text=pair.decode(one.tokens),
            token_ids=tuple(one.tokens),
            logprobs=one.branches,
            finish=one.finish,
            negatives=negatives,
        )
        for (unit, query, replicate, negatives), one in zip(places, written, strict=True)
    ]


def sample_key(pair: ModelPair, work: Plan, query: Query, replicate: int) -> int:
    """The noise key of one sample. Settings and pair belong to it: noise that two settings share makes
    their answers agree by chance and biases every distance between them."""
    return noise_key(work.settings.seed, work.settings.key(), pair.fingerprint, work.task.prompt(query), replicate)


def _negative(
    pair: ModelPair, work: Plan, pool: Pool, name: Sequence[object], query: Query, embed: Embed | None
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Token ids of a negative context and the keys of its examples; empty where none is read."""
    if not work.settings.uses_negatives:
        return (), ()
    rows = draw(pool, work.settings, name, query=(query.id, query.text), embed=embed)
    room = pair.window - work.settings.max_new_tokens
    ids, kept = context(rows, pair.encode, room)
    return ids, tuple(row.key for row in kept)


def _join(pool: Pool, samples: Iterable[NewSample]) -> None:
    for sample in samples:
        pool.add(sample.query, sample.replicate, sample.text)
