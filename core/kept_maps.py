"""Maps that are kept with what made them, and opened again without computing anything.

A kept map holds ids, not texts: texts stay with their runs and are gone when those are deleted.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from core.atlas import Atlas, fingerprint
from core.embedding import EMBEDDER
from core.errors import NotFoundError, StatisticsError, StoreError, TaskFormatError
from core.generators import REAL, Answered, Generator, Placed, RealGenerator, embedded, stored_generators
from core.perspective_map import PerspectiveMap
from core.statistics.answers import Answers
from core.statistics.distances import Distance
from core.storage.records import KeptMap
from core.storage.rows import library_versions
from core.store import Store
from core.tasks import load_task


def keep(store: Store, atlas: Atlas) -> str:
    """Store a map and return its id; the same map is stored once."""
    from safetensors.numpy import save

    if atlas.id in store.maps(atlas.task):
        return atlas.id
    arrays = {name: np.ascontiguousarray(array) for name, array in atlas.map.arrays().items()}
    record = {
        "map": atlas.map.record(),
        "queries": list(atlas.queries),
        "generators": [asdict(generator) for generator in atlas.generators],
        "samples": [[sample.id for sample in samples] for samples in atlas.samples],
        "fingerprints": [fingerprint(samples) for samples in atlas.samples],
        "to_real": [None if apart is None else asdict(apart) for apart in atlas.to_real],
        "left_out": [list(each) for each in atlas.left_out],
        "versions": library_versions(),
    }
    kept = KeptMap(
        id=atlas.id, task=atlas.task, created=time.time(), made=atlas.made, record=record, arrays=save(arrays)
    )
    store.put_map(kept)
    return atlas.id


def reopen(store: Store, map_id: str) -> Atlas:
    """A kept map as it was drawn; its vectors come from the cache, and nothing is fitted.

    Where a run was deleted or a task's rows have changed since, the answers of that generator keep
    their places and ids and lose their texts, and `answers` is None. Raises NotFoundError for an unknown id, StoreError
    where what is stored is damaged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    kept = store.map(map_id)
    record = kept.record
    try:
        arrays = load(kept.arrays)
        fitted = PerspectiveMap.restore(arrays, record["map"])
        queries = tuple(record["queries"])
        generators = tuple(Placed(**each) for each in record["generators"])
        asked = [[queries[j] for j in index[:, 0]] for index in fitted.cloud_index]
        to_real = tuple(None if each is None else Distance(**each) for each in record["to_real"])
        left_out = tuple((key, reason) for key, reason in record["left_out"])
        parts = zip(generators, record["samples"], asked, record["fingerprints"], strict=True)
        known = _known(store, kept.task, generators)
        samples = tuple(_samples(known.get(one.key, {}), ids, of, digest) for one, ids, of, digest in parts)
        whole = [fingerprint(each) for each in samples] == record["fingerprints"]
    except (KeyError, TypeError, ValueError, IndexError, SafetensorError, StatisticsError) as error:
        raise StoreError(f"The map {map_id} is damaged in the store; draw it again with `steerscope map`.") from error
    return Atlas(
        id=kept.id,
        task=kept.task,
        queries=queries,
        generators=generators,
        answers=_answers(store, generators, samples, queries) if whole else None,
        samples=samples,
        map=fitted,
        to_real=to_real,
        left_out=left_out,
        made=dict(kept.made),
    )


@dataclass(frozen=True)
class _Remembered(Placed):
    """A generator of a kept map with the answers that the map was made of."""

    given: tuple[Answered, ...] = ()

    def answers(self) -> Sequence[Answered]:
        return self.given


def _answers(
    store: Store, generators: Sequence[Placed], samples: Sequence[tuple[Answered, ...]], queries: Sequence[str]
) -> tuple[Answers, ...] | None:
    """The vectors that the map was fitted to; None where one of them is gone."""
    kept = [_Remembered(**vars(one), given=given) for one, given in zip(generators, samples, strict=True)]
    found = embedded(kept, queries, store.vectors(EMBEDDER))
    whole = [len(one.samples) for one in found] == [len(given) for given in samples]
    return tuple(one.answers for one in found) if whole else None


def _known(store: Store, task: str, generators: Sequence[Placed]) -> dict[str, dict[str, Answered]]:
    """What is still there of each generator's answers, by key and by id."""
    keys = {one.key for one in generators}
    found: list[Generator] = [*stored_generators(store, [run for run in store.runs(task=task) if run.id in keys])]
    known = {one.key: {answer.id: answer for answer in one.answers()} for one in found}
    try:
        rows = {answer.id: answer for answer in RealGenerator(load_task(task)).answers()}
    except (NotFoundError, TaskFormatError):
        rows = {}  # the map outlives the files of its task
    return known | {one.key: rows for one in generators if one.kind == REAL}


def _samples(
    known: Mapping[str, Answered], ids: Sequence[str], queries: Sequence[str], digest: str
) -> tuple[Answered, ...]:
    """The answers that the map was made of; without texts where these are not the same any more."""
    found = tuple(known[one] for one in ids if one in known)
    if fingerprint(found) == digest:
        return found
    return tuple(Answered(one, query, "") for one, query in zip(ids, queries, strict=True))
