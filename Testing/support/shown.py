"""What a view of the page shows, by its pixels, beside what the scan's voxels say it should."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page
from scipy.ndimage import map_coordinates

from MedLabelLib.model.geometry import AxisMap, VolumeGeometry
from MedLabelLib.volumes.image import SourceRecord, VolumeImage

# the picture is compared away from the edges, where letters and buttons lie
EDGE = 0.22


def uneven_scan(
    shape: tuple[int, int, int] = (44, 60, 36), spacing: tuple[float, float, float] = (1.5, 1.0, 2.0)
) -> VolumeImage:
    """A smooth scan that no turn, flip or exchange of axes maps on itself; its window is 0 to 255."""
    i, j, k = np.meshgrid(*(np.linspace(0, 1, n) for n in shape), indexing="ij")
    values = 20 + 70 * i + 80 * j**2 + 60 * np.sin(2.5 * k) * (1 - 0.5 * i) + 25 * i * j
    geometry = VolumeGeometry(shape, np.diag([*spacing, 1.0]))
    source = SourceRecord("nrrd", geometry, AxisMap((0, 1, 2), (False,) * 3, shape))
    array = np.asfortranarray(values, dtype=np.int16)
    return VolumeImage(array, geometry, source, "CT", window=(127.5, 255.0), unit="HU")


def view_row(page: Page, view: str) -> dict:
    return page.evaluate("name => trame.state.get('ml_views')[name]", view)


def settle(page: Page) -> None:
    """Until every view has sent its still picture."""
    page.wait_for_timeout(700)


def screenshot(page: Page) -> NDArray:
    return np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB")).astype(int)


def pixels_at(page: Page, view: str, points: NDArray) -> NDArray:
    """The colours under fractions ``(u, v)`` of a view, shape ``(n, 3)``; the pointer is moved away first."""
    page.mouse.move(2, 2)
    settle(page)
    box = page.locator(f"canvas[data-view={view}]").bounding_box()
    picture = screenshot(page)
    x = np.floor(box["x"] + points[:, 0] * box["width"]).astype(int)
    y = np.floor(box["y"] + points[:, 1] * box["height"]).astype(int)
    return picture[y, x]


def voxels_at(row: dict, points: NDArray) -> NDArray:
    """The voxel coordinates under fractions of a view by what the page was told, shape ``(n, 3)``."""
    matrix = np.reshape(row["matrix"], (3, 3))
    return np.column_stack([points, np.ones(len(points))]) @ matrix.T


def greys_at(image: VolumeImage, voxels: NDArray) -> NDArray:
    """The greys a window of 0 to 255 shows at voxel coordinates; NaN outside the scan."""
    greys = map_coordinates(image.array.astype(float), voxels.T, order=1, mode="nearest")
    inside = ((voxels >= 0) & (voxels <= np.array(image.array.shape) - 1)).all(axis=1)
    return np.where(inside, greys, np.nan)


def picture_error(page: Page, view: str, image: VolumeImage, random: np.random.Generator) -> float:
    """The largest difference, in greys, between the picture and the scan at 60 places of a view."""
    points = random.uniform(EDGE, 1 - EDGE, (60, 2))
    settle(page)
    wanted = greys_at(image, voxels_at(view_row(page, view), points))
    shown = pixels_at(page, view, points).mean(axis=1)
    inside = ~np.isnan(wanted)
    assert inside.sum() > 10
    return float(np.abs(shown - wanted)[inside].max())
