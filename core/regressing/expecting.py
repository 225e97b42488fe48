"""Where settings that nobody has tried are expected on a map that is drawn: for a sign on it, not for a prediction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.errors import StatisticsError
from core.regressing.encoding import Encoding
from core.regressing.gaussian import Gaussian
from core.statistics.answers import Floats


def expected_places(
    settings: Sequence[Mapping[str, Any]], points: Floats, wanted: Sequence[Mapping[str, Any]]
) -> Floats:
    """(k, d) places of the wanted settings, by one Gaussian process an axis over those at points (n, d).

    The processes that `suggest` leads sliders to places with. Raises StatisticsError where the settings do not differ.
    """
    encoding = Encoding.of(settings)
    if not encoding.width:
        raise StatisticsError("The settings of the runs do not differ, so no place can be expected of another one.")
    known, rows = encoding.rows(settings), encoding.rows(wanted)
    axes = [Gaussian.of(known, points[:, axis], alike=False).mean(rows) for axis in range(points.shape[1])]
    return np.stack(axes, axis=1)
