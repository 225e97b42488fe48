"""The difference of two points of one map: the centre cancels, so it is surer than the overlap of ellipses.

`dkps.md`, "Uncertainty of a point": C_i + C_k + (1/2)(kappa_i a_i a_i' + kappa_k a_k a_k'), no centring terms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.statistics.answers import Floats
from core.statistics.ellipses import LEVEL, Spread, freedom, outline, radius


@dataclass(frozen=True, eq=False)
class Difference:
    """Where one generator lies from another on the axes of their map.

    vector: (d,) first minus second; covariance: (d, d) and radius: Mahalanobis radius of its 95% ellipse,
    nu its degrees of freedom; told_apart: whether 0 lies outside that ellipse. All None with one sentence
    in `reason` where no ellipse is honest. About these axes only: two dimensions hide the rest.
    """

    vector: Floats
    covariance: Floats | None
    nu: float | None
    radius: float | None
    told_apart: bool | None
    reason: str | None

    def ellipse(self, points: int = 72) -> Floats | None:
        """(points, 2) outline of the 95% ellipse about the vector; None where there is none."""
        if self.covariance is None or self.radius is None:
            return None
        return outline(self.vector, self.covariance, self.radius, points)


def difference(
    vector: Floats, own: tuple[Spread, Spread], tilts: tuple[Floats, Floats], rank: int, level: float = LEVEL
) -> Difference:
    """The difference of two independent placements with covariances of their own.

    own: each point's spread without centring terms; tilts: (d, d) each, what a point moved its own axes by.
    """
    estimated = sum(np.isfinite(s.free) for s in own)
    free = estimated**2 / sum(1 / s.free for s in own) if estimated else np.inf
    both = Spread(own[0].covariance + own[1].covariance, own[0].pieces + own[1].pieces, free)
    nu = freedom(both, rank)
    reach = None if nu is None else radius(level, rank, nu)
    if reach is None:
        return Difference(vector, None, None, None, None, "The two have too few answers for an ellipse.")
    covariance = both.covariance + tilts[0] + tilts[1]
    return Difference(vector, covariance, nu, reach, _outside(vector, covariance, reach), None)


def _outside(vector: Floats, covariance: Floats, reach: float) -> bool:
    """Whether 0 lies outside the ellipse about `vector`; along an axis without noise, whether it is not 0."""
    values, axes = np.linalg.eigh(covariance)
    noisy = values > 1e-12 * float(values[-1])
    along = vector @ axes
    if np.any(np.abs(along[~noisy]) > 1e-9):
        return True
    return bool(np.sum(along[noisy] ** 2 / values[noisy]) > reach**2)
