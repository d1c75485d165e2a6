"""Run by the Supervisely SDK's own interpreter: a project as the SDK lays it out, one object of three masks.

``python sdk_project.py PROJECT`` writes the project.
"""

import sys
from pathlib import Path

import numpy as np
import supervisely as sly

SHAPE = (7, 6, 5)


def encoded(array: np.ndarray) -> bytes:
    meta = {"directions": (1, 0, 0, 0, 1, 0, 0, 0, 1), "origin": (0, 0, 0), "spacing": (1, 1, 1)}
    return sly.volume.volume.encode(array, meta)


def main(path: str) -> None:
    project = sly.VolumeProject(path, sly.OpenMode.CREATE)
    label_class = sly.ObjClass("lesion", sly.Mask3D)
    project.set_meta(sly.ProjectMeta(obj_classes=[label_class]))
    dataset = project.create_dataset("ds0")
    volume = Path(path).with_suffix(".nrrd")
    volume.write_bytes(encoded(np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE)))
    _, meta = sly.volume.read_nrrd_serie_volume(str(volume))
    one, other = sly.VolumeObject(label_class), sly.VolumeObject(label_class)
    figures, masks = [], []
    for owner, at in ((one, 0), (one, 2), (other, 1), (one, 4)):
        voxels = np.zeros(SHAPE, dtype=np.uint8)
        voxels[at : at + 2, at : at + 2, at] = 1
        masks.append(voxels)
        figures.append(sly.VolumeFigure(owner, sly.Mask3D(voxels != 0)))
    annotation = sly.VolumeAnnotation(meta, sly.VolumeObjectCollection([one, other]), spatial_figures=figures)
    # its check of items is of videos
    dataset.add_item_file("scan.nrrd", str(volume), annotation, _validate_item=False)
    for figure, voxels in zip(figures, masks, strict=True):
        target = Path(dataset.get_mask_path("scan.nrrd", figure))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(encoded(voxels))


if __name__ == "__main__":
    main(sys.argv[1])
