"""Supervisely's ``volumeMeta`` of a volume: what another tool needs to show it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..model.geometry import VolumeGeometry
from ..volumes.image import VolumeImage


def volume_meta(image: VolumeImage) -> dict[str, Any]:
    """The ``volumeMeta`` of a scan on its canonical grid. It names no patient and no UID."""
    low, high = float(np.min(image.array)), float(np.max(image.array))
    center, width = image.window or (low + (high - low) / 2, high - low)
    return {
        **grid_meta(image.geometry),
        "intensity": {"min": low, "max": high},
        "windowWidth": width,
        "windowCenter": center,
        "rescaleSlope": 1,
        "rescaleIntercept": 0,
        "channelsCount": 1,
        "modality": image.modality,
        "photometricInterpretation": image.photometric,
        "unit": image.unit,
        "hasOwnWindow": image.window is not None,
    }


def grid_meta(geometry: VolumeGeometry) -> dict[str, Any]:
    """The part of ``volumeMeta`` that says where the grid lies."""
    return {
        "ACS": "RAS",
        "dimensionsIJK": dict(zip("xyz", geometry.shape, strict=True)),
        "IJK2WorldMatrix": [float(x) for x in geometry.ijk_to_ras_matrix.ravel()],
    }
