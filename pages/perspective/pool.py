"""Every sample of the shown map by its id: its text, its vector, and the real row that is nearest to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.atlas import Atlas
from core.drawing.marks import marked
from core.generators import REAL, Answered
from pages.perspective.shown import Shown


@dataclass(frozen=True)
class Speck:
    """One sample. id: with its kind before it; row: its generator on the map; place: among that one's samples."""

    id: str
    row: int
    place: int
    real: bool
    sample: Answered


@dataclass(frozen=True)
class Near:
    """The real row nearest to a sample, itself left out, and their cosine."""

    text: str
    cosine: float


@dataclass(frozen=True, eq=False)
class _Pool:
    """specks: every sample by its id; real: those that are real rows, with their vectors (n, p) in the same order."""

    specks: dict[str, Speck]
    real: list[Speck]
    vectors: NDArray[np.float32]


def specks(shown: Shown, ids: Iterable[str] | None, keys: Sequence[str]) -> list[Speck]:
    """These samples in their order, those that are not on the map left out; ids None: all of these generators."""
    every = _pool(shown.atlas.id, shown.atlas).specks
    if ids is not None:
        return [every[one] for one in ids if one in every]
    rows = {shown.atlas.map.index(key) for key in keys}
    return [speck for speck in every.values() if speck.row in rows]


def vectors(shown: Shown, wanted: Sequence[Speck]) -> NDArray[np.float32]:
    """(n, p) unit vectors of these samples."""
    return _vectors(shown.atlas, wanted)


def nearest(shown: Shown, wanted: Sequence[Speck]) -> dict[str, Near]:
    """The nearest real row of each sample, by its id; none where the map has no real rows."""
    pool = _pool(shown.atlas.id, shown.atlas)
    if not wanted or len(pool.real) < 2:
        return {}
    cosines = _vectors(shown.atlas, wanted) @ pool.vectors.T
    places = {speck.id: number for number, speck in enumerate(pool.real)}
    for number, speck in enumerate(wanted):
        if speck.id in places:
            # A real row is not its own neighbour.
            cosines[number, places[speck.id]] = -np.inf
    best = cosines.argmax(axis=1)
    return {
        speck.id: Near(pool.real[place].sample.text, float(cosines[number, place]))
        for number, (speck, place) in enumerate(zip(wanted, best.tolist(), strict=True))
    }


@st.cache_resource(max_entries=4, show_spinner=False)
def _pool(key: str, _atlas: Atlas) -> _Pool:
    found = {}
    for row, (generator, samples) in enumerate(zip(_atlas.generators, _atlas.samples, strict=True)):
        real = generator.kind == REAL
        for place, sample in enumerate(samples):
            name = marked(sample.id, real)
            found[name] = Speck(name, row, place, real, sample)
    rows = [speck for speck in found.values() if speck.real]
    return _Pool(found, rows, _vectors(_atlas, rows))


def _vectors(atlas: Atlas, wanted: Sequence[Speck]) -> NDArray[np.float32]:
    """From the answers that the map was made of: nothing is read."""
    assert atlas.answers is not None
    found = np.zeros((len(wanted), atlas.answers[0].width), dtype=np.float32)
    for number, speck in enumerate(wanted):
        query, place = atlas.map.cloud_index[speck.row][speck.place]
        found[number] = atlas.answers[speck.row].vectors[query][place]
    return found
