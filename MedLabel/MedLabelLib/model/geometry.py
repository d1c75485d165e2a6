"""The one class that converts coordinates: voxel indices, RAS, LPS, and the way back to a source's axes."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import GeometryError

LPS_FROM_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True)
class AxisMap:
    """How one grid's axes are another's, permuted and flipped; nothing is resampled.

    ``permutation[a]`` is the source axis that becomes target axis ``a``; ``flips[a]`` says that target
    axis ``a`` runs against it; ``shape`` is the shape of the target.
    """

    permutation: tuple[int, int, int]
    flips: tuple[bool, bool, bool]
    shape: tuple[int, int, int]

    @property
    def is_identity(self) -> bool:
        return self.permutation == (0, 1, 2) and not any(self.flips)

    def apply(self, array: NDArray) -> NDArray:
        """A view of a source array ``[i, j, k]`` (further axes follow) in the target's axes."""
        rest = tuple(range(3, array.ndim))
        turned = array.transpose(self.permutation + rest)
        return turned[tuple(slice(None, None, -1) if flip else slice(None) for flip in self.flips)]

    def apply_to_index(self, index: ArrayLike) -> NDArray:
        """Source voxel indices, an array of shape ``(…, 3)``, as target indices."""
        turned = np.asarray(index)[..., list(self.permutation)]
        last = np.asarray(self.shape) - 1
        return np.where(self.flips, last - turned, turned)

    def inverse(self) -> AxisMap:
        """The map back from the target to the source."""
        permutation = tuple(int(a) for a in np.argsort(self.permutation))
        return AxisMap(
            permutation,
            tuple(self.flips[a] for a in permutation),
            tuple(self.shape[a] for a in permutation),
        )

    def matrix(self) -> NDArray:
        """The 4×4 matrix that takes target indices to source indices."""
        matrix = np.zeros((4, 4))
        matrix[3, 3] = 1.0
        for target, (source, flip) in enumerate(zip(self.permutation, self.flips, strict=True)):
            matrix[source, target] = -1.0 if flip else 1.0
            if flip:
                matrix[source, 3] = self.shape[target] - 1
        return matrix


class VolumeGeometry:
    """Where a grid of voxels lies in the patient.

    Parameters
    ----------
    shape
        Number of voxels ``(ni, nj, nk)``, each at least 1.
    ijk_to_ras
        4×4 matrix from voxel centres to RAS in mm. Columns need not be orthogonal (a gantry-tilted
        series is a sheared grid), but they must span space.
    slice_axis, slice_origins
        For a series whose slices are not evenly spaced: the axis that counts the slices, and the RAS
        position in mm of each slice's voxel with the other two indices 0, shape ``(n, 3)``. The matrix
        then describes the even grid that fits best.

    Raises
    ------
    GeometryError
        for a shape or matrix that cannot be a grid.
    """

    __slots__ = ("_inverse", "ijk_to_ras_matrix", "shape", "slice_axis", "slice_origins")

    def __init__(
        self,
        shape: tuple[int, int, int],
        ijk_to_ras: ArrayLike,
        slice_axis: int | None = None,
        slice_origins: ArrayLike | None = None,
    ) -> None:
        self.shape = tuple(int(n) for n in shape)
        if len(self.shape) != 3 or min(self.shape) < 1:
            raise GeometryError(f"a volume needs three axes of at least one voxel, not {tuple(shape)}")
        matrix = np.array(ijk_to_ras, dtype=float)
        if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
            raise GeometryError("the matrix from voxels to RAS is not 4×4 or not finite")
        lengths = np.linalg.norm(matrix[:3, :3], axis=0)
        if lengths.min() <= 0 or abs(np.linalg.det(matrix[:3, :3] / lengths)) < 1e-6:
            raise GeometryError("the axes of the volume do not span space")
        matrix.setflags(write=False)
        self.ijk_to_ras_matrix: NDArray = matrix
        self._inverse = np.linalg.inv(matrix)
        self.slice_axis = slice_axis
        self.slice_origins: NDArray | None = None
        if slice_origins is not None:
            origins = np.array(slice_origins, dtype=float)
            if slice_axis is None or origins.shape != (self.shape[slice_axis], 3):
                raise GeometryError("one position is needed for every slice of the series")
            origins.setflags(write=False)
            self.slice_origins = origins

    # -- how it is made ------------------------------------------------------------------------------

    @classmethod
    def from_lps(
        cls, shape: tuple[int, int, int], origin: ArrayLike, spacing: ArrayLike, direction: ArrayLike
    ) -> VolumeGeometry:
        """From ITK's terms: origin and spacing in mm in LPS, direction 3×3 (or 9 numbers, row by row)."""
        matrix = np.eye(4)
        matrix[:3, :3] = np.asarray(direction, dtype=float).reshape(3, 3) * np.asarray(spacing, dtype=float)
        matrix[:3, 3] = np.asarray(origin, dtype=float)
        return cls(shape, LPS_FROM_RAS @ matrix)

    # -- what it is ------------------------------------------------------------------------------------

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Distance of neighbouring voxel centres along i, j, k in mm."""
        return tuple(float(n) for n in np.linalg.norm(self.ijk_to_ras_matrix[:3, :3], axis=0))

    @property
    def origin(self) -> tuple[float, float, float]:
        """RAS position of voxel (0, 0, 0) in mm."""
        return tuple(float(x) for x in self.ijk_to_ras_matrix[:3, 3])

    @property
    def directions(self) -> NDArray:
        """3×3 matrix; its columns are the unit vectors of i, j, k in RAS."""
        return self.ijk_to_ras_matrix[:3, :3] / np.asarray(self.spacing)

    @property
    def is_sheared(self) -> bool:
        """Whether the axes are not at right angles, as in a gantry-tilted series."""
        directions = self.directions
        return not np.allclose(directions.T @ directions, np.eye(3), atol=1e-4)

    @property
    def is_uneven(self) -> bool:
        """Whether the slices have positions of their own."""
        return self.slice_origins is not None

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel in ml (of the even grid that fits best, where slices are uneven)."""
        return float(abs(np.linalg.det(self.ijk_to_ras_matrix[:3, :3]))) / 1000.0

    def slice_thicknesses(self) -> NDArray:
        """For uneven slices: each slice's extent along their axis relative to the mean, shape ``(n,)``.

        A slice reaches half-way to its neighbours. All ones for an even grid.
        """
        axis = 2 if self.slice_axis is None else self.slice_axis
        count = self.shape[axis]
        if self.slice_origins is None or count < 2:
            return np.ones(count)
        gaps = np.linalg.norm(np.diff(self.slice_origins, axis=0), axis=1)
        reach = np.concatenate([[gaps[0] / 2], (gaps[:-1] + gaps[1:]) / 2, [gaps[-1] / 2]])
        reach[[0, -1]] *= 2
        return reach / self.spacing[axis]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, VolumeGeometry) and self.is_close(other, 0.0)

    def __hash__(self) -> int:
        return hash((self.shape, self.ijk_to_ras_matrix.tobytes()))

    def __repr__(self) -> str:
        spacing = "×".join(f"{s:.4g}" for s in self.spacing)
        return f"VolumeGeometry({'×'.join(map(str, self.shape))}, {spacing} mm)"

    def is_close(self, other: VolumeGeometry, tolerance: float = 1e-3) -> bool:
        """Whether every voxel of both grids lies within ``tolerance`` voxels (of the smallest spacing)."""
        if self.shape != other.shape or self.is_uneven != other.is_uneven:
            return False
        corners = np.array(list(itertools.product(*((0, n - 1) for n in self.shape))), dtype=float)
        limit = tolerance * min(self.spacing)
        if np.abs(self.grid_to_ras(corners) - other.grid_to_ras(corners)).max() > limit:
            return False
        if self.slice_origins is None:
            return True
        return (
            self.slice_axis == other.slice_axis
            and np.abs(self.slice_origins - other.slice_origins).max() <= limit
        )

    # -- conversions -----------------------------------------------------------------------------------

    def grid_to_ras(self, ijk: ArrayLike) -> NDArray:
        """Voxel indices, shape ``(…, 3)``, to RAS in mm by the matrix alone (the even grid)."""
        return np.asarray(ijk, dtype=float) @ self.ijk_to_ras_matrix[:3, :3].T + self.ijk_to_ras_matrix[:3, 3]

    def grid_from_ras(self, ras: ArrayLike) -> NDArray:
        """RAS in mm, shape ``(…, 3)``, to continuous voxel indices by the matrix alone."""
        return np.asarray(ras, dtype=float) @ self._inverse[:3, :3].T + self._inverse[:3, 3]

    def ijk_to_ras(self, ijk: ArrayLike) -> NDArray:
        """Voxel indices (they may be fractions), shape ``(…, 3)``, to RAS in mm, uneven slices included."""
        ijk = np.asarray(ijk, dtype=float)
        if self.slice_origins is None:
            return self.grid_to_ras(ijk)
        along = ijk[..., self.slice_axis]
        in_plane = ijk.copy()
        in_plane[..., self.slice_axis] = 0.0
        return self._slice_origin(along) + in_plane @ self.ijk_to_ras_matrix[:3, :3].T

    def ras_to_ijk(self, ras: ArrayLike) -> NDArray:
        """RAS in mm, shape ``(…, 3)``, to continuous voxel indices, uneven slices included."""
        ras = np.asarray(ras, dtype=float)
        if self.slice_origins is None:
            return self.grid_from_ras(ras)
        axis = self.slice_axis
        normal = np.cross(*(self.ijk_to_ras_matrix[:3, a] for a in range(3) if a != axis))
        normal /= np.linalg.norm(normal)
        heights = self.slice_origins @ normal
        order = np.argsort(heights)
        along = self._extrapolate(ras @ normal, heights[order], order.astype(float))
        ijk = (ras - self._slice_origin(along)) @ self._inverse[:3, :3].T
        ijk[..., axis] = along
        return ijk

    def ijk_to_lps(self, ijk: ArrayLike) -> NDArray:
        """As :meth:`ijk_to_ras`, in LPS."""
        return self.ijk_to_ras(ijk) * (-1.0, -1.0, 1.0)

    def lps_to_ijk(self, lps: ArrayLike) -> NDArray:
        """As :meth:`ras_to_ijk`, from LPS."""
        return self.ras_to_ijk(np.asarray(lps, dtype=float) * (-1.0, -1.0, 1.0))

    def contains(self, ijk: ArrayLike) -> NDArray:
        """Whether voxel indices, shape ``(…, 3)``, lie in the grid (half a voxel of margin on each side)."""
        ijk = np.asarray(ijk, dtype=float)
        return ((ijk >= -0.5) & (ijk < np.asarray(self.shape) - 0.5)).all(axis=-1)

    def _slice_origin(self, along: NDArray) -> NDArray:
        numbers = np.arange(len(self.slice_origins), dtype=float)
        columns = [self._extrapolate(along, numbers, self.slice_origins[:, c]) for c in range(3)]
        return np.stack(columns, axis=-1)

    @staticmethod
    def _extrapolate(x: NDArray, xs: NDArray, ys: NDArray) -> NDArray:
        """Linear interpolation that goes on straight beyond both ends."""
        x = np.asarray(x, dtype=float)
        if len(xs) == 1:
            return np.full(x.shape, ys[0])
        at = np.clip(np.searchsorted(xs, x) - 1, 0, len(xs) - 2)
        return ys[at] + (x - xs[at]) * (ys[at + 1] - ys[at]) / (xs[at + 1] - xs[at])

    # -- other terms of the same grid --------------------------------------------------------------------

    def lps_terms(self) -> tuple[NDArray, NDArray, NDArray]:
        """ITK's terms: origin in LPS, spacing, direction 3×3. Sheared axes stay sheared in the direction."""
        matrix = LPS_FROM_RAS @ self.ijk_to_ras_matrix
        spacing = np.asarray(self.spacing)
        return matrix[:3, 3].copy(), spacing, matrix[:3, :3] / spacing

    def canonical(self) -> tuple[VolumeGeometry, AxisMap]:
        """The same grid with axes permuted and flipped so that i, j, k grow nearest to R, A, S.

        The assignment of axes is the one whose cosines add up to most, so it is a permutation for any
        oblique grid. Returns the new geometry and the map from this grid to it.
        """
        cosines = self.directions
        best = max(
            itertools.permutations(range(3)),
            key=lambda axes: round(sum(abs(cosines[row, axes[row]]) for row in range(3)), 9),
        )
        flips = tuple(bool(cosines[row, best[row]] < 0) for row in range(3))
        axis_map = AxisMap(best, flips, tuple(self.shape[axis] for axis in best))
        return self.remapped(axis_map), axis_map

    def remapped(self, axis_map: AxisMap) -> VolumeGeometry:
        """This grid in the axes that ``axis_map`` gives; every voxel stays where it is in the patient."""
        matrix = self.ijk_to_ras_matrix @ axis_map.matrix()
        if self.slice_origins is None:
            return VolumeGeometry(axis_map.shape, matrix)
        axis = axis_map.permutation.index(self.slice_axis)
        first = np.zeros((axis_map.shape[axis], 3))
        first[:, axis] = np.arange(axis_map.shape[axis])
        source = first @ axis_map.matrix()[:3, :3].T + axis_map.matrix()[:3, 3]
        # taken, not interpolated: an origin that only changes its place in the list stays bit by bit
        origins = self.slice_origins[np.rint(source[:, self.slice_axis]).astype(int)]
        source[:, self.slice_axis] = 0.0
        return VolumeGeometry(
            axis_map.shape, matrix, axis, origins + source @ self.ijk_to_ras_matrix[:3, :3].T
        )

    # -- as JSON -----------------------------------------------------------------------------------------

    def to_json(self) -> dict:
        """Plain numbers from which :meth:`from_json` makes an equal geometry, bit by bit."""
        data: dict = {"shape": list(self.shape), "ijk_to_ras": self.ijk_to_ras_matrix.tolist()}
        if self.slice_origins is not None:
            data |= {"slice_axis": self.slice_axis, "slice_origins": self.slice_origins.tolist()}
        return data

    @classmethod
    def from_json(cls, data: dict) -> VolumeGeometry:
        try:
            return cls(
                tuple(data["shape"]), data["ijk_to_ras"], data.get("slice_axis"), data.get("slice_origins")
            )
        except (KeyError, TypeError, ValueError) as error:
            raise GeometryError(f"a stored geometry is damaged: {error}") from error
