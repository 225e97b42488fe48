"""A map as arrays and JSON, and back: exactly, and with nothing computed again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import StatisticsError

VERSION = 1

WHOLE = (
    *("points", "own_covariances", "own_pieces", "tilts", "leverages"),
    *("scree", "noise_floor", "explained", "cosines", "basis", "offsets"),
)
CLOUDS = ("clouds", "cloud_index", "cloud_weights")
UNKNOWN = ("degrees", "radii", "taus")
"""One number a generator, NaN for None."""

PLAIN = ("variant", "dimension", "rank", "elbow", "noise_ratio")
LISTS = ("keys", "query_indices", "fitted", "methods", "reasons", "warnings")


def packed(fields: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """All arrays of a map's fields; clouds stand end to end with their lengths in `cloud_lengths`, None is NaN."""
    d = fields["dimension"]
    arrays: dict[str, NDArray[Any]] = {name: fields[name] for name in WHOLE}
    for name in UNKNOWN:
        arrays[name] = np.array([np.nan if value is None else value for value in fields[name]], dtype=np.float64)
    arrays["covariances"] = np.stack([np.full((d, d), np.nan) if c is None else c for c in fields["covariances"]])
    for name in CLOUDS:
        arrays[name] = np.concatenate(fields[name])
    arrays["cloud_lengths"] = np.array([len(cloud) for cloud in fields["clouds"]], dtype=np.int64)
    arrays["replicates"] = np.array(fields["replicates"], dtype=np.int64)
    return arrays


def recorded(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Names, sentences and single numbers, JSON-able."""
    plain = {name: fields[name] for name in PLAIN}
    return {"version": VERSION, **plain, **{name: list(fields[name]) for name in LISTS}}


def unpacked(arrays: Mapping[str, NDArray[Any]], record: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that `packed` and `recorded` were given; StatisticsError where arrays and record do not fit."""
    if record.get("version") != VERSION:
        raise StatisticsError("This map was stored by another version of Steerscope; draw it again.")
    try:
        return _fields(arrays, record)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise StatisticsError("This stored map is damaged; draw it again.") from error


def _fields(arrays: Mapping[str, NDArray[Any]], record: Mapping[str, Any]) -> dict[str, Any]:
    n, d = len(record["keys"]), record["dimension"]
    m = len(record["query_indices"])
    fields: dict[str, Any] = {name: record[name] for name in PLAIN}
    fields |= {name: tuple(record[name]) for name in LISTS}
    fields |= {name: arrays[name] for name in WHOLE}
    for name in UNKNOWN:
        fields[name] = tuple(None if np.isnan(value) else float(value) for value in arrays[name])
    fields["covariances"] = tuple(None if np.isnan(c).any() else c for c in arrays["covariances"])
    cuts = np.cumsum(arrays["cloud_lengths"])
    for name in CLOUDS:
        fields[name] = tuple(np.split(arrays[name], cuts[:-1]))
    fields["replicates"] = tuple((int(low), int(high)) for low, high in arrays["replicates"])
    per_generator = ("covariances", "clouds", "replicates", "fitted", "methods", "reasons", *UNKNOWN)
    shapes = {"points": (n, d), "tilts": (n, d, d), "own_covariances": (n, d, d), "offsets": (m, d)}
    if any(len(fields[name]) != n for name in per_generator) or int(cuts[-1]) != len(arrays["clouds"]):
        raise ValueError("lengths differ")
    if any(fields[name].shape != shape for name, shape in shapes.items()):
        raise ValueError("shapes differ")
    return fields
