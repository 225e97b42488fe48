"""What the runs on a map can be coloured by: scores, the distance to real, every setting that varies, the pool."""

from __future__ import annotations

from collections.abc import Mapping

from core.atlas import Atlas
from core.drawing.scales import Colour
from core.errors import SettingsError
from core.generators import Placed
from core.metrics import METRICS
from core.sliders import SteerSettings
from pages.shared.signs import FIRST, sign

NONE, DISTANCE, POOL = "none", "distance", "pool"
POOLS: dict[float, str] = {
    0.0: "no negatives",
    1.0: "real rows only",
    2.0: "a pool each chain",
    3.0: "one growing pool",
}
"""How a run's negatives came, from answers that are independent to answers written one after another."""


def colours(atlas: Atlas, scores: Mapping[str, Mapping[str, float]]) -> dict[str, Colour]:
    """Every colour that says something on this map, by its name in the toolbar; scores first, then the distance."""
    runs = [one for one in atlas.generators if one.kind != "real"]
    found: dict[str, Colour] = {}
    for name in sorted({name for one in runs for name in scores.get(one.key, ())}):
        values = {one.key: scores.get(one.key, {}).get(name) for one in runs}
        better = METRICS[name].better if name in METRICS else None
        found[f"score:{name}"] = Colour(name, values, "score", None if better == "nearer" else better)
    distances = {
        one.key: None if apart is None else apart.value
        for one, apart in zip(atlas.generators, atlas.to_real, strict=True)
    }
    if any(distances[one.key] is not None for one in runs):
        found[DISTANCE] = Colour("Distance to real", distances, "score", "lower")
    for name in settings_that_vary(runs):
        values = {one.key: _number(one.settings.get(name)) for one in runs}
        found[f"setting:{name}"] = Colour(sign(name), values, "setting")
    pools = {one.key: _pool(one) for one in runs}
    if len({kind for kind in pools.values() if kind is not None}) > 1:
        found[POOL] = Colour("Negatives", pools, "kind", words=POOLS)
    return found


def title(choice: str, found: Mapping[str, Colour]) -> str:
    """The word of a choice in the toolbar."""
    if choice == DISTANCE:
        return "Distance"
    if choice == POOL:
        return "Pool"
    return found[choice].name if choice in found else "One colour"


def settings_that_vary(runs: list[Placed]) -> list[str]:
    """Numeric settings of which these runs have at least two values: the three sliders first, then by name."""
    values: dict[str, set[float]] = {}
    for one in runs:
        for name, value in one.settings.items():
            if (number := _number(value)) is not None and name != "seed":
                values.setdefault(name, set()).add(number)
    varied = sorted(name for name, known in values.items() if len(known) > 1)
    return [name for name in FIRST if name in varied] + [name for name in varied if name not in FIRST]


def slider_of(choice: str, runs: list[Placed]) -> str | None:
    """The slider along which lines are drawn: the one that colours the map, else η, else the first that varies."""
    varied = settings_that_vary(runs)
    name = choice.removeprefix("setting:")
    if name in varied:
        return name
    return "eta" if "eta" in varied else next(iter(varied), None)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _pool(one: Placed) -> float | None:
    if one.kind != "steer":
        return None
    try:
        settings = SteerSettings.from_mapping(one.settings)
    except SettingsError:
        return None
    if not settings.uses_negatives:
        return 0.0
    if not settings.pool_grows:
        return 1.0
    return 3.0 if settings.chains == 1 else 2.0
