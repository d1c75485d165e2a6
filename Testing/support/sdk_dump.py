"""Run by the Supervisely SDK's own interpreter: what the SDK sees in a project, as arrays.

``python sdk_dump.py PROJECT OUT`` writes ``OUT/index.json`` and an ``.npy`` per volume and object mask.
"""

import json
import sys
from pathlib import Path

import numpy as np
import supervisely as sly


def main(project_path: str, out_path: str) -> None:
    out = Path(out_path)
    project = sly.VolumeProject(project_path, sly.OpenMode.READ)
    index = {"classes": [entry.name for entry in project.meta.obj_classes], "volumes": []}
    for dataset in project.datasets:
        for name in dataset.get_items_names():
            # the SDK only logs the errors of a dataset, so what it opened is counted by the test
            data = sly.json.load_json_file(dataset.get_ann_path(name))
            annotation = sly.VolumeAnnotation.from_json(data, project.meta)
            voxels, meta = sly.volume.read_nrrd_serie_volume_np(dataset.get_item_path(name))
            number = len(index["volumes"])
            np.save(out / f"volume-{number}.npy", voxels)
            entry = {
                "dataset": dataset.name,
                "name": name,
                "objects": len(annotation.objects),
                "tags": sorted(tag.meta.name for tag in annotation.tags),
                "matrix": np.array(meta["directions"]).ravel().tolist(),
                "masks": [],
            }
            for figure in annotation.spatial_figures:
                mask = sly.Mask3D.create_from_file(dataset.get_mask_path(name, figure))
                file = f"mask-{number}-{figure.key().hex}.npy"
                np.save(out / file, mask.data)
                entry["masks"].append(
                    {
                        "class": figure.volume_object.obj_class.name,
                        "object": figure.volume_object.key().hex,
                        "file": file,
                    }
                )
            index["volumes"].append(entry)
    (out / "index.json").write_text(json.dumps(index))


if __name__ == "__main__":
    main(*sys.argv[1:])
