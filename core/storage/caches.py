"""What is kept by content key, so that nothing is computed twice: vectors of texts, coordinates of samples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from core.storage import rows
from core.storage.database import Database
from core.storage.records import floats_from_bytes, floats_to_bytes
from core.storage.schema import coordinates as coordinates_table
from core.storage.schema import vectors as vectors_table


class StoredVectors:
    """The vectors of one embedder in the store: the cache that `core.embedding.embed` reads and fills."""

    def __init__(self, database: Database, embedder: str) -> None:
        self._database = database
        self._embedder = embedder

    def get(self, keys: Iterable[str]) -> dict[str, NDArray[np.float32]]:
        """The vectors that are known, by key; unknown keys are left out."""
        columns = vectors_table.c
        found: dict[str, NDArray[np.float32]] = {}
        with self._database.reading() as connection:
            for chunk in rows.chunks(dict.fromkeys(keys)):
                statement = select(columns.key, columns.data).where(
                    columns.key.in_(chunk), columns.embedder == self._embedder
                )
                found |= {key: floats_from_bytes(data) for key, data in connection.execute(statement).all()}
        return found

    def put(self, vectors: Mapping[str, NDArray[np.float32]]) -> None:
        """Keep vectors; a key that is there stays as it is, also where two processes put it at once."""
        new = [
            {"key": key, "embedder": self._embedder, "data": floats_to_bytes(vector)}
            for key, vector in sorted(vectors.items())  # in one order, so that two writers cannot deadlock
        ]
        if new:
            with self._database.writing() as connection:
                connection.execute(rows.insert_new(self._database.dialect, vectors_table), new)


class StoredCoordinates:
    """Places of samples in one view, by content key. view: 64 hexadecimal characters that say how it was made."""

    def __init__(self, database: Database, view: str) -> None:
        self._database = database
        self._view = view

    def get(self, keys: Iterable[str]) -> dict[str, tuple[float, float]]:
        """The places that are known, by key; unknown keys are left out."""
        columns = coordinates_table.c
        found: dict[str, tuple[float, float]] = {}
        with self._database.reading() as connection:
            for chunk in rows.chunks(dict.fromkeys(keys)):
                statement = select(columns.key, columns.x, columns.y).where(
                    columns.view == self._view, columns.key.in_(chunk)
                )
                found |= {key: (x, y) for key, x, y in connection.execute(statement).all()}
        return found

    def put(self, places: Mapping[str, tuple[float, float]]) -> None:
        """Keep places; a key that is there stays where it is, so that no figure jumps."""
        new = [
            {"view": self._view, "key": key, "x": float(x), "y": float(y)}
            for key, (x, y) in sorted(places.items())  # in one order, so that two writers cannot deadlock
        ]
        if new:
            with self._database.writing() as connection:
                connection.execute(rows.insert_new(self._database.dialect, coordinates_table), new)
