"""From a map to what is drawn of it: the one place where marks and clouds are made of an atlas."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from core.atlas import Atlas
from core.drawing.marks import Cloud, Kind, Mark
from core.errors import SettingsError
from core.generators import HELD_OUT, REAL, Placed
from core.sliders import SteerSettings
from core.statistics.ellipses import LEVEL

NAMES = {REAL: ("real data", "real"), HELD_OUT: ("held-out real data", "held-out real")}
"""What the real marks are called in words, and at the end of a leader."""


def marks_of(
    atlas: Atlas,
    *,
    chosen: str | None = None,
    controls: Collection[str] = (),
    scores: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    level: float = LEVEL,
) -> tuple[Mark, ...]:
    """One mark a generator, in the order of the map.

    chosen: key of the run that the page is about; controls: keys of matched-temperature controls;
    scores: a line of the hover card by key; labels: words at the end of a leader by key, beside those of
    the real data; level: of the ellipses, `atlas.map.all_at_once` where all shall hold at once.
    """
    names = {key: short for key, (_, short) in NAMES.items()} | dict(labels or {})
    marks = []
    for i, generator in enumerate(atlas.generators):
        outline = atlas.map.ellipse(i, level=level)
        point, apart = [float(value) for value in atlas.map.points[i]], atlas.to_real[i]
        kind: Kind = "few" if outline is None else "run"
        if generator.key in NAMES:
            kind = "real" if generator.key == REAL else "heldout"
        elif generator.key == chosen:
            kind = "chosen"
        elif generator.key in controls:
            kind = "control"
        marks.append(
            Mark(
                key=generator.key,
                kind=kind,
                xy=(point[0], point[1] if len(point) > 1 else 0.0),
                z=point[2] if len(point) > 2 else None,
                settings=NAMES[generator.key][0] if generator.key in NAMES else generator.label,
                n=len(atlas.samples[i]),
                label=names.get(generator.key, ""),
                outline=outline,
                distance=apart.value if apart else None,
                low=apart.low if apart else None,
                high=apart.high if apart else None,
                score=(scores or {}).get(generator.key, ""),
            )
        )
    return tuple(marks)


def cloud_of(atlas: Atlas, key: str) -> Cloud:
    """The answers of one generator in the space of the map; NotFoundError where it is not on it."""
    i = atlas.map.index(key)
    samples = atlas.samples[i]
    return Cloud(
        kind="real" if key in NAMES else "chosen",
        points=atlas.map.clouds[i],
        ids=tuple(sample.id for sample in samples),
        texts=tuple(sample.text for sample in samples),
    )


def expert_only(generator: Placed) -> bool:
    """Whether its sliders are those of the expert alone at temperature 1."""
    if generator.kind != "steer":
        return False
    try:
        settings = SteerSettings.from_mapping(generator.settings)
    except SettingsError:
        return False
    return settings.gamma == 0 and not settings.uses_negatives and settings.temperature == 1
