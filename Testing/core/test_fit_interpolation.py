"""The script that fits the network of the image-guided interpolation."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from MedLabelApp.bench.interpolation_cases import other_brain_structures, structures
from MedLabelInterpolateLib import image_guided
from MedLabelInterpolateLib.evidence import FEATURES

TOOL = Path(__file__).resolve().parents[2] / "tools" / "fit_interpolation.py"


@pytest.mark.demo
def test_it_writes_weights_that_the_method_loads(demo_cache, tmp_path, monkeypatch):
    demo_cache.file("chest", "cxr.nii.gz")
    written = tmp_path / "weights.json"
    subprocess.run([sys.executable, TOOL, written, "--every", "16"], check=True, timeout=300)
    layers = image_guided.network_layers(written)
    assert [weights.shape for weights, _ in layers] == [(len(FEATURES), 24), (24, 12), (12, 1)]
    assert [bias.shape for _, bias in layers] == [(24,), (12,), (1,)]
    assert [weights.shape for weights, _ in layers] == [w.shape for w, _ in image_guided.network_layers()]


@pytest.mark.demo
def test_the_other_labels_of_the_atlas_are_in_no_benchmark(demo_cache):
    demo_cache.file("ch2", "aal.nii.gz")
    measured = {structure.name for structure in structures("brain MR")}
    others = [structure.name for structure in other_brain_structures()]
    assert len(set(others)) == 26
    assert not measured & set(others)
    assert [s.fitted for s in structures("brain MR")] == [n % 3 == 0 for n in range(len(measured))]


def test_weights_for_other_features_are_refused(tmp_path):
    written = tmp_path / "weights.json"
    written.write_text('{"features": ["shape"], "layers": []}')
    with pytest.raises(ValueError, match=r"weights\.json is for other features"):
        image_guided.network_layers(written)
