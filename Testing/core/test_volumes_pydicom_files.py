"""Every file in pydicom's wheel: it opens, or gives its reason; none hangs or crashes the process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pydicom.data
import pytest

_SECONDS = 120
_TRY = """
import json, sys
from pathlib import Path
from MedLabelLib.model.errors import MedLabelError
from MedLabelLib.volumes.found import BadFile, FoundScan
from MedLabelLib.volumes.scan_folder import find_scans

for line in sys.stdin:
    told = []
    for entry in find_scans(Path(line.strip())):
        try:
            if isinstance(entry, FoundScan):
                image = entry.read()
                told.append(["scan", list(image.array.shape), str(image.array.dtype)])
            elif isinstance(entry, BadFile):
                told.append(["bad", entry.reason])
            else:
                told.append(["other", entry.modality])
        except MedLabelError as error:
            told.append(["bad", error.reason])
    print(json.dumps([line.strip(), told]), flush=True)
"""


@pytest.fixture(scope="module")
def outcomes() -> dict[str, list]:
    folder = Path(pydicom.data.__file__).parent / "test_files"
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    done = subprocess.run(
        [sys.executable, "-c", _TRY],
        input="".join(f"{path}\n" for path in paths).encode(),
        capture_output=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    told = {
        str(Path(path).relative_to(folder)): what
        for path, what in map(json.loads, done.stdout.decode().splitlines())
    }
    assert len(told) == len(paths) >= 170
    return told


def test_each_opens_or_says_why(outcomes):
    kinds = {"scan": 0, "bad": 0, "other": 0}
    for name, what in outcomes.items():
        # a directory of files is no file of its own to tell of
        assert what or "DICOMDIR" in name, name
        for entry in what:
            kinds[entry[0]] += 1
            if entry[0] != "scan":
                assert len(entry[1]) > 1, name
                assert "Traceback" not in entry[1]
    assert kinds["scan"] >= 40
    assert kinds["other"] >= 15


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("CT_small.dcm", ["scan", [128, 128, 1], "int16"]),
        ("693_J2KI.dcm", ["scan", [512, 512, 1], "int16"]),
        ("examples_overlay.dcm", ["scan", [484, 300, 1], "uint16"]),
        ("MR_truncated.dcm", ["bad", "it is truncated: pixels are missing"]),
        ("SC_rgb_rle.dcm", ["bad", "its pixels are colours; a scan has one number per voxel"]),
        ("rtdose.dcm", ["other", "RTDOSE"]),
        ("liver_1frame.dcm", ["other", "SEG"]),
    ],
)
def test_some_of_them(outcomes, name, what):
    assert outcomes[name] == [what]
