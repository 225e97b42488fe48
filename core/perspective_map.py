"""What a map is, once it was fitted: points, clouds, ellipses, and the axes that place further generators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from numpy.typing import NDArray

from core.errors import NotFoundError, StatisticsError
from core.perspective_record import packed, recorded, unpacked
from core.statistics.answers import Answers, Floats, Integers, restrict
from core.statistics.difference import Difference, difference
from core.statistics.ellipses import LEVEL, Spread, outline, radius
from core.statistics.placement import Placement, place

Variant = Literal["mean", "energy"]


@dataclass(frozen=True, eq=False)
class PerspectiveMap:
    """n generators on d = `dimension` axes fitted over the m queries of `query_indices`.

    points: (n, d), relative to the mean of the generators in `fitted`. covariances: (d, d) of each
    point about its true mean *on these axes*, or None with one sentence in `reasons`; degrees: their
    nu; radii: Mahalanobis radius of the 95% ellipse; methods: what they came from: "cross-fit",
    "cross-fit chains", "rounds" (approximate), and for generators that did not fit the map "fixed",
    "fixed chains", "rounds" or "queries" (conservative). own_covariances: (n, d, d) without the centring
    terms, NaN where unknown, own_pieces: (n, 2) their Welch-Satterthwaite sums and degrees of freedom,
    tilts: (n, d, d) what a point moved its own axes by: together they give differences. leverages: (n,)
    of the points over those that fitted. clouds: (N_i, d) single answers, query by query in the order
    given; cloud_index: (N_i, 2) query and place within it; cloud_weights: (N_i,) weights under which a
    cloud's mean is its point.
    taus: noise of each generator, None where it has no independent repeats. scree: the n - 1 debiased
    eigenvalues of the fitted; noise_floor: the eigenvalues of noise alone, averaged over halvings; elbow:
    axes that stand out on the scree (Zhu and Ghodsi), a hint. explained: share of each axis; noise_ratio:
    mean tau over the smallest displayed debiased eigenvalue, None where that is not positive or tau is
    unknown; cosines: between the halves' axes. rank: axes that exist, the rest being 0. basis
    (m, p, d) and offsets (m, d) place further answers: z = x' basis_j - offsets_j.
    """

    keys: tuple[str, ...]
    variant: Variant
    dimension: int
    rank: int
    query_indices: tuple[int, ...]
    fitted: tuple[bool, ...]
    replicates: tuple[tuple[int, int], ...]
    points: Floats
    covariances: tuple[Floats | None, ...]
    degrees: tuple[float | None, ...]
    radii: tuple[float | None, ...]
    methods: tuple[str | None, ...]
    reasons: tuple[str | None, ...]
    own_covariances: Floats
    own_pieces: Floats
    tilts: Floats
    leverages: Floats
    clouds: tuple[Floats, ...]
    cloud_index: tuple[Integers, ...]
    cloud_weights: tuple[Floats, ...]
    taus: tuple[float | None, ...]
    scree: Floats
    noise_floor: Floats
    elbow: int | None
    explained: Floats
    noise_ratio: float | None
    cosines: Floats
    warnings: tuple[str, ...]
    basis: Floats
    offsets: Floats

    @property
    def queries(self) -> int:
        """How many queries the map stands on."""
        return len(self.query_indices)

    @property
    def all_at_once(self) -> float:
        """Level of each ellipse at which all of the map hold together with 95%: 1 - 0.05/n."""
        return 1 - (1 - LEVEL) / len(self.keys)

    def index(self, key: str) -> int:
        """Row of a generator; NotFoundError where it is not on the map."""
        if key not in self.keys:
            raise NotFoundError(f"{key} is not on this map; it shows {', '.join(self.keys[:20])}.")
        return self.keys.index(key)

    def ellipse(self, i: int, *, level: float = LEVEL, points: int = 72) -> Floats | None:
        """(points, 2) closed outline around generator i at a level, or None where no ellipse is honest.

        For all generators at once use the level `all_at_once`. Of three dimensions the shadow on the first two.
        """
        covariance, nu = self.covariances[i], self.degrees[i]
        size = None if nu is None else radius(level, self.rank, nu)
        if covariance is None or size is None:
            return None
        return outline(self.points[i], covariance, size, points)

    def difference(self, i: int, k: int, *, level: float = LEVEL) -> Difference:
        """Point i less point k with an ellipse of its own: the centre cancels. Overlap of ellipses tells nothing."""
        vector = self.points[i] - self.points[k]
        reasons = {self.reasons[i], self.reasons[k]} - {None}
        if i == k or reasons:
            why = (
                "A generator does not differ from itself." if i == k else next(r for r in self.reasons if r in reasons)
            )
            return Difference(vector, None, None, None, None, why)
        own = [Spread(self.own_covariances[row], *map(float, self.own_pieces[row])) for row in (i, k)]
        return difference(vector, (own[0], own[1]), (self.tilts[i], self.tilts[k]), self.rank, level)

    def place(self, answers: Answers, *, partial: bool = False) -> Placement:
        """A generator on these axes, without refitting: point, cloud and covariance on the map as it stands.

        `answers` covers the query list that the map was made from. StatisticsError where it leaves a
        query of the map unanswered, unless `partial` takes the answered ones for a sample of all; where
        its vectors are not those of the map's embedder; and on a map of energy distances.
        """
        if self.variant != "mean":
            raise StatisticsError("A map of energy distances places nobody without a refit; draw it with this run.")
        if len(answers.vectors) <= max(self.query_indices) or answers.width != self.basis.shape[1]:
            raise StatisticsError(f"{answers.key} differs from this map in its queries or embedder; draw a new map.")
        part = restrict(answers, self.query_indices)
        own = self.points[list(self.fitted)]
        return place(part, self.basis, self.offsets, rank=self.rank, own=own, partial=partial)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Every number of the map as arrays for a file; with `record` it restores the map exactly."""
        return packed(vars(self))

    def record(self) -> dict[str, Any]:
        """What is not an array, JSON-able."""
        return recorded(vars(self))

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]], record: Mapping[str, Any]) -> PerspectiveMap:
        """The map that `arrays` and `record` came from, computed before; StatisticsError where they do not fit."""
        return cls(**unpacked(arrays, record))

    def as_dict(self) -> dict[str, Any]:
        """What the `map` command prints, JSON-able; null for what is unknown."""
        points = [
            {
                "key": key,
                "replicates": list(self.replicates[i]),
                "fitted": self.fitted[i],
                "coordinates": self.points[i].tolist(),
                "covariance": None if (covariance := self.covariances[i]) is None else covariance.tolist(),
                "radius": self.radii[i],
                "method": self.methods[i],
                "reason": self.reasons[i],
                "tau": self.taus[i],
                "leverage": float(self.leverages[i]),
            }
            for i, key in enumerate(self.keys)
        ]
        return {
            "variant": self.variant,
            "dimension": self.dimension,
            "queries": self.queries,
            "noise_ratio": self.noise_ratio,
            "scree": self.scree.tolist(),
            "noise_floor": self.noise_floor.tolist(),
            "elbow": self.elbow,
            "explained": self.explained.tolist(),
            "cosines": self.cosines.tolist(),
            "warnings": list(self.warnings),
            "points": points,
        }
