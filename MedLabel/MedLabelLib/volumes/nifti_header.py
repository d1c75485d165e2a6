"""The NIfTI-1 and NIfTI-2 header, by the field (https://nifti.nimh.nih.gov/nifti-1, nifti-2).

SimpleITK reads a truncated NIfTI as zeros and coerces a sheared one to right angles; so its header is
read, and written, here.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..model.errors import FileFormatError
from ..model.geometry import VolumeGeometry

_NIFTI1 = np.dtype([
    ("sizeof_hdr", "i4"), ("unused1", "V35"), ("dim_info", "u1"), ("dim", "i2", 8), ("intent_p", "f4", 3),
    ("intent_code", "i2"), ("datatype", "i2"), ("bitpix", "i2"), ("slice_start", "i2"), ("pixdim", "f4", 8),
    ("vox_offset", "f4"), ("scl_slope", "f4"), ("scl_inter", "f4"), ("slice_end", "i2"), ("slice_code", "u1"),
    ("xyzt_units", "u1"), ("cal_max", "f4"), ("cal_min", "f4"), ("slice_duration", "f4"), ("toffset", "f4"),
    ("unused2", "V8"), ("descrip", "S80"), ("aux_file", "S24"), ("qform_code", "i2"), ("sform_code", "i2"),
    ("quatern", "f4", 3), ("qoffset", "f4", 3), ("srow", "f4", (3, 4)), ("intent_name", "S16"),
    ("magic", "V4"),
])  # fmt: skip
_NIFTI2 = np.dtype([
    ("sizeof_hdr", "i4"), ("magic", "V8"), ("datatype", "i2"), ("bitpix", "i2"), ("dim", "i8", 8),
    ("intent_p", "f8", 3), ("pixdim", "f8", 8), ("vox_offset", "i8"), ("scl_slope", "f8"),
    ("scl_inter", "f8"),
    ("cal_max", "f8"), ("cal_min", "f8"), ("slice_duration", "f8"), ("toffset", "f8"), ("slice_start", "i8"),
    ("slice_end", "i8"), ("descrip", "S80"), ("aux_file", "S24"), ("qform_code", "i4"), ("sform_code", "i4"),
    ("quatern", "f8", 3), ("qoffset", "f8", 3), ("srow", "f8", (3, 4)), ("slice_code", "i4"),
    ("xyzt_units", "i4"), ("intent_code", "i4"), ("intent_name", "S16"), ("dim_info", "u1"),
    ("unused", "V15"),
])  # fmt: skip
HEADER_SIZES = (_NIFTI1.itemsize, _NIFTI2.itemsize)

_TYPES = {
    2: "u1",
    4: "i2",
    8: "i4",
    16: "f4",
    64: "f8",
    256: "i1",
    512: "u2",
    768: "u4",
    1024: "i8",
    1280: "u8",
}
_MANY_VALUED = {32: "complex numbers", 128: "colours", 1792: "complex numbers", 2304: "colours"}
_MILLIMETRES = {1: 1000.0, 3: 0.001}


@dataclass(frozen=True)
class NiftiHeader:
    """What a NIfTI header says.

    ``dtype`` is the stored type with its byte order, ``offset`` where the voxels begin in their file,
    ``slope`` and ``intercept`` what makes values of them. ``warnings`` tell what had to be assumed.
    """

    geometry: VolumeGeometry
    dtype: np.dtype
    offset: int
    slope: float
    intercept: float
    is_pair: bool
    warnings: tuple[str, ...] = ()


def parse_header(data: bytes) -> NiftiHeader:
    """The header in the first bytes of a file (540 are enough). Raises FileFormatError, without the path."""
    for layout in (_NIFTI1, _NIFTI2):
        for order in "<>":
            if len(data) < layout.itemsize:
                continue
            fields = np.frombuffer(data, layout.newbyteorder(order), count=1)[0]
            if fields["sizeof_hdr"] == layout.itemsize:
                return _interpret(fields, order)
    raise FileFormatError("it has no NIfTI header")


def _interpret(fields: np.void, order: str) -> NiftiHeader:
    magic = fields["magic"].tobytes()[:3]
    if magic not in (b"n+1", b"ni1", b"n+2", b"ni2"):
        raise FileFormatError(
            "it is an ANALYZE file, which does not say left from right; convert it to NIfTI"
        )
    code = int(fields["datatype"])
    if code in _MANY_VALUED:
        raise FileFormatError(f"its voxels are {_MANY_VALUED[code]}; a scan has one number per voxel")
    if code not in _TYPES:
        raise FileFormatError(f"its voxel type (NIfTI code {code}) is not known")
    shape = _shape(fields["dim"])
    matrix, warnings = _affine(fields)
    slope, intercept = float(fields["scl_slope"]), float(fields["scl_inter"])
    if slope == 0.0 or not np.isfinite([slope, intercept]).all():
        slope, intercept = 1.0, 0.0
    return NiftiHeader(
        VolumeGeometry(shape, matrix),
        np.dtype(_TYPES[code]).newbyteorder(order),
        int(fields["vox_offset"]),
        slope,
        intercept,
        magic[:2] == b"ni",
        tuple(warnings),
    )


def _shape(dim: NDArray) -> tuple[int, int, int]:
    count = int(dim[0])
    if not 1 <= count <= 7 or (dim[1 : count + 1] < 1).any():
        raise FileFormatError(f"its header is damaged: dim is {dim.tolist()}")
    sizes = [int(n) for n in dim[1 : count + 1]]
    while len(sizes) > 3 and sizes[-1] == 1:
        sizes.pop()
    if len(sizes) != 3:
        raise FileFormatError(f"it has {len(sizes)} axes ({'×'.join(map(str, sizes))}); a scan has three")
    return tuple(sizes)


def _affine(fields: np.void) -> tuple[NDArray, list[str]]:
    """Voxels to RAS mm: sform, else qform, else the spacing alone (methods 3, 2, 1 of the standard)."""
    warnings = []
    millimetres = _MILLIMETRES.get(int(fields["xyzt_units"]) & 7, 1.0)
    by_quaternion = _quaternion_matrix(fields) if fields["qform_code"] > 0 else None
    if fields["sform_code"] > 0:
        matrix = np.vstack([np.asarray(fields["srow"], dtype=float), [0, 0, 0, 1]])
        if by_quaternion is not None:
            # all corners: two grids whose axes are exchanged share some
            ends = [(0, int(size) - 1) for size in fields["dim"][1:4]]
            corners = np.array([[*corner, 1] for corner in itertools.product(*ends)], dtype=float)
            apart = np.linalg.norm(corners @ (matrix - by_quaternion)[:3].T, axis=1).max()
            if apart > 0.5 * np.abs(fields["pixdim"][1:4]).min():
                warnings.append(
                    f"its sform and qform lie up to {apart * millimetres:.1f} mm apart; the sform is used"
                )
    elif by_quaternion is not None:
        matrix = by_quaternion
    else:
        matrix = np.diag([*np.abs(np.asarray(fields["pixdim"][1:4], dtype=float)), 1.0])
        warnings.append("it does not say how the patient lies; left and right are assumed")
    matrix[:3] *= millimetres
    return matrix, warnings


def _quaternion_matrix(fields: np.void) -> NDArray:
    b, c, d = (float(x) for x in fields["quatern"])
    a = np.sqrt(max(0.0, 1.0 - (b * b + c * c + d * d)))
    if a < 1e-7:
        # a half turn: rounding may have left the vector a little longer or shorter than 1
        b, c, d = np.array([b, c, d]) / np.linalg.norm([b, c, d])
    rotation = np.array([
        [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
        [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
        [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
    ])  # fmt: skip
    matrix = np.eye(4)
    handedness = -1.0 if fields["pixdim"][0] < 0 else 1.0
    matrix[:3, :3] = rotation * np.abs(fields["pixdim"][1:4]) * (1.0, 1.0, handedness)
    matrix[:3, 3] = fields["qoffset"]
    return matrix


def build_header(geometry: VolumeGeometry, dtype: np.dtype) -> bytes:
    """A NIfTI-1 header and its four bytes of extension for voxels that follow at once.

    The sform holds the grid exactly, shear included, in 32-bit numbers; the qform, which cannot hold
    shear, is given where it says the same. Raises FileFormatError for a type or size that NIfTI-1
    cannot hold.
    """
    code = {name: code for code, name in _TYPES.items()}.get(np.dtype(dtype).str[1:])
    if code is None or max(geometry.shape) > 32767:
        raise FileFormatError(f"NIfTI cannot hold {geometry.shape} voxels of type {np.dtype(dtype)}")
    matrix = geometry.ijk_to_ras_matrix
    fields = np.zeros((), dtype=_NIFTI1.newbyteorder("<"))
    fields["sizeof_hdr"] = _NIFTI1.itemsize
    fields["dim"] = [3, *geometry.shape, 1, 1, 1, 1]
    fields["datatype"], fields["bitpix"] = code, np.dtype(dtype).itemsize * 8
    fields["pixdim"] = [1.0, *geometry.spacing, 0, 0, 0, 0]
    fields["vox_offset"] = _NIFTI1.itemsize + 4
    fields["scl_slope"] = 1.0
    fields["xyzt_units"] = 2
    fields["sform_code"] = 1
    fields["srow"] = matrix[:3]
    fields["magic"] = np.void(b"n+1\0")
    if not geometry.is_sheared:
        handedness, quaternion = _quaternion(geometry.directions)
        fields["pixdim"][0] = handedness
        fields["qform_code"] = 1
        fields["quatern"] = quaternion
        fields["qoffset"] = matrix[:3, 3]
    return fields.tobytes() + bytes(4)


def _quaternion(directions: NDArray) -> tuple[float, NDArray]:
    """The handedness and the (b, c, d) of the rotation nearest to ``directions``."""
    u, _, v = np.linalg.svd(directions)
    rotation = u @ v
    handedness = 1.0
    if np.linalg.det(rotation) < 0:
        handedness, rotation = -1.0, rotation * (1.0, 1.0, -1.0)
    # the symmetric matrix whose eigenvector of the largest eigenvalue is the quaternion (Bar-Itzhack 2000)
    m = rotation
    symmetric = np.array([
        [m[0, 0] + m[1, 1] + m[2, 2], m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]],
        [m[2, 1] - m[1, 2], m[0, 0] - m[1, 1] - m[2, 2], m[0, 1] + m[1, 0], m[0, 2] + m[2, 0]],
        [m[0, 2] - m[2, 0], m[0, 1] + m[1, 0], m[1, 1] - m[0, 0] - m[2, 2], m[1, 2] + m[2, 1]],
        [m[1, 0] - m[0, 1], m[0, 2] + m[2, 0], m[1, 2] + m[2, 1], m[2, 2] - m[0, 0] - m[1, 1]],
    ])  # fmt: skip
    quaternion = np.linalg.eigh(symmetric)[1][:, -1]
    return handedness, quaternion[1:] * (-1.0 if quaternion[0] < 0 else 1.0)
