"""PET in SUV, beside the formulas of the standard and of QIBA worked out here once more."""

from __future__ import annotations

from math import exp, log

import numpy as np
import pytest
from pydicom.dataset import Dataset

from MedLabelLib.volumes.found import FoundScan
from MedLabelLib.volumes.scan_folder import find_scans
from support.dicom_files import Series

DOSE, HALF_LIFE, WEIGHT, HEIGHT = 3.7e8, 6586.2, 81.0, 1.79
# the body measures by the papers they are from: g, g (James, man), cm² (Du Bois)
BODY = {
    "bw": 81000.0,
    "lbm": (1.1 * 81 - 128 * (81 / 179) ** 2) * 1000,
    "bsa": 71.84 * 81**0.425 * 179**0.725,
}
UNIT = {"bw": "SUVbw", "lbm": "SUVlbm", "bsa": "SUVbsa"}


def _tracer(**changes) -> list[Dataset]:
    item = Dataset()
    fields = {
        "RadionuclideTotalDose": str(DOSE),
        "RadionuclideHalfLife": str(HALF_LIFE),
        "RadiopharmaceuticalStartTime": "090000.00",
    } | changes
    for keyword, value in fields.items():
        if value is not None:
            setattr(item, keyword, value)
    return [item]


def _fields(**changes) -> dict:
    return {
        "Modality": "PT",
        "Units": "BQML",
        "DecayCorrection": "START",
        "CorrectedImage": ["DECY", "ATTN"],
        "SeriesDate": "20250304",
        "SeriesTime": "100000",
        "AcquisitionDate": "20250304",
        "AcquisitionTime": "100000",
        "PatientWeight": str(WEIGHT),
        "PatientSize": str(HEIGHT),
        "PatientSex": "M",
        "RescaleSlope": "2.5",
        "RescaleIntercept": "0",
        "ActualFrameDuration": "120000",
        "FrameReferenceTime": "0",
        "RadiopharmaceuticalInformationSequence": _tracer(),
    } | changes


def _private(dataset: Dataset, group: int, creator: str, element: int, vr: str, value: str) -> None:
    dataset.private_block(group, creator, create=True).add_new(element, vr, value)


class _WithPrivate(Series):
    private: tuple = ()

    def dataset(self, at: int):
        dataset = super().dataset(at)
        for element in self.private:
            _private(dataset, *element)
        return dataset


def _read(folder, every: dict, kind: str = "bw", private: tuple = (), slices: dict | None = None):
    """The image read, its values in the file's axes, and the stored numbers."""
    values = np.arange(1, 61, dtype=np.uint16).reshape((4, 5, 3))
    series = _WithPrivate(values, every=every, slices=slices or {})
    series.private = private
    series.write(folder)
    (found,) = find_scans(folder, suv=kind)
    assert isinstance(found, FoundScan)
    image = found.read()
    return image, image.source.axis_map.inverse().apply(image.array).astype(float), values.astype(float)


def _decayed(seconds: float) -> float:
    return DOSE * exp(-log(2) * seconds / HALF_LIFE)


@pytest.mark.parametrize("kind", ["bw", "lbm", "bsa"])
@pytest.mark.parametrize(("correction", "seconds"), [("START", 3600.0), ("ADMIN", 0.0)])
def test_decay_corrected_activity(tmp_path, kind, correction, seconds):
    image, values, stored = _read(tmp_path, _fields(DecayCorrection=correction), kind)
    assert image.unit == UNIT[kind]
    assert image.warnings == []
    assert np.allclose(values, stored * 2.5 * BODY[kind] / _decayed(seconds), rtol=1e-5)


def test_a_womans_lean_body_mass(tmp_path):
    _, values, stored = _read(tmp_path, _fields(PatientSex="F"), "lbm")
    lean = (1.07 * 81 - 148 * (81 / 179) ** 2) * 1000
    assert np.allclose(values, stored * 2.5 * lean / _decayed(3600), rtol=1e-5)


def test_without_decay_correction_each_slice_has_its_own_moment(tmp_path):
    times = ["100000", "100500", "101000.5"]
    slices = {at: {"AcquisitionTime": time} for at, time in enumerate(times)}
    image, values, stored = _read(tmp_path, _fields(DecayCorrection="NONE"), slices=slices)
    assert image.unit == "SUVbw"
    for at, seconds in enumerate((3660.0, 3960.0, 4260.5)):
        right = stored[:, :, at] * 2.5 * BODY["bw"] / _decayed(seconds)
        assert np.allclose(values[:, :, at], right, rtol=1e-5)


def test_an_injection_of_the_evening_before(tmp_path):
    tracer = _tracer(RadiopharmaceuticalStartTime="233000")
    every = _fields(SeriesTime="003000", AcquisitionTime="003000",
                    RadiopharmaceuticalInformationSequence=tracer)  # fmt: skip
    _, values, stored = _read(tmp_path / "time", every)
    assert np.allclose(values, stored * 2.5 * BODY["bw"] / _decayed(3600), rtol=1e-5)
    tracer = _tracer(RadiopharmaceuticalStartDateTime="20250303223000")
    _, values, stored = _read(tmp_path / "whole", every | {"RadiopharmaceuticalInformationSequence": tracer})
    assert np.allclose(values, stored * 2.5 * BODY["bw"] / _decayed(7200), rtol=1e-5)


@pytest.mark.parametrize("kind", ["bw", "lbm", "bsa"])
def test_philips_factor_from_counts_to_suv(tmp_path, kind):
    private = ((0x7053, "Philips PET Private Group", 0x00, "DS", "0.00042"),)
    image, values, stored = _read(tmp_path, _fields(Units="CNTS"), kind, private)
    assert image.unit == UNIT[kind]
    assert np.allclose(values, stored * 2.5 * 0.00042 * BODY[kind] / BODY["bw"], rtol=1e-5)


def test_philips_factor_from_counts_to_activity(tmp_path):
    private = ((0x7053, "Philips PET Private Group", 0x09, "DS", "1.7"),)
    image, values, stored = _read(tmp_path, _fields(Units="CNTS"), "bw", private)
    assert image.unit == "SUVbw"
    assert np.allclose(values, stored * 2.5 * 1.7 * BODY["bw"] / _decayed(3600), rtol=1e-5)


def test_ge_keeps_the_true_start_in_a_private_element(tmp_path):
    # the series was processed later, which changed its time; the acquisition's is this bed's
    every = _fields(SeriesTime="153000", AcquisitionTime="101000")
    private = ((0x0009, "GEMS_PETD_01", 0x0D, "DT", "20250304095500.00"),)
    image, values, stored = _read(tmp_path, every, "bw", private)
    assert image.unit == "SUVbw"
    assert np.allclose(values, stored * 2.5 * BODY["bw"] / _decayed(3300), rtol=1e-5)


def test_a_series_time_before_the_acquisition_is_the_start(tmp_path):
    _, values, stored = _read(tmp_path, _fields(AcquisitionTime="101500"))
    assert np.allclose(values, stored * 2.5 * BODY["bw"] / _decayed(3600), rtol=1e-5)


def test_a_series_time_behind_the_acquisition_is_not_siemens_rule(tmp_path):
    every = _fields(SeriesTime="153000", AcquisitionTime="101500", FrameReferenceTime="960000")
    _, values, stored = _read(tmp_path, every)
    # where in a frame of 120 s the activity is at its mean: exp(-λ·t) is its average over the frame
    decay = log(2) / HALF_LIFE
    mean = -log((1 - exp(-decay * 120)) / (decay * 120)) / decay
    start = 4500 - (960 - mean)
    assert np.allclose(values, stored * 2.5 * BODY["bw"] / _decayed(start), rtol=1e-5)


def test_suv_of_another_kind_is_converted(tmp_path):
    image, values, stored = _read(tmp_path, _fields(Units="GML", SUVType="BW"), "lbm")
    assert image.unit == "SUVlbm"
    assert np.allclose(values, stored * 2.5 * BODY["lbm"] / BODY["bw"], rtol=1e-5)


@pytest.mark.parametrize(
    ("changes", "kind", "unit", "why"),
    [
        ({"PatientWeight": None}, "bw", "Bq/ml", "PatientWeight"),
        ({"PatientWeight": "0"}, "bw", "Bq/ml", "PatientWeight"),
        ({"PatientSize": None}, "bsa", "Bq/ml", "PatientSize"),
        ({"PatientSex": "O"}, "lbm", "Bq/ml", "sex"),
        ({"DecayCorrection": None}, "bw", "Bq/ml", "decay correction"),
        ({"RadiopharmaceuticalInformationSequence": None}, "bw", "Bq/ml", "radiopharmaceutical"),
        ({"RadiopharmaceuticalInformationSequence": _tracer(RadionuclideTotalDose=None)}, "bw", "Bq/ml",
         "RadionuclideTotalDose"),
        ({"RadiopharmaceuticalInformationSequence": _tracer(RadionuclideHalfLife=None)}, "bw", "Bq/ml",
         "RadionuclideHalfLife"),
        ({"RadiopharmaceuticalInformationSequence": _tracer(RadiopharmaceuticalStartTime=None)}, "bw",
         "Bq/ml", "when the dose was given"),
        ({"Units": "CNTS"}, "bw", "counts", "(7053,1000)"),
        ({"Units": "PROPCPS"}, "bw", "propcps", "PROPCPS"),
        ({"SeriesTime": "153000"}, "bw", "Bq/ml", "series time"),
        ({"RadiopharmaceuticalInformationSequence": _tracer(
            RadiopharmaceuticalStartDateTime="20250304110000")}, "bw", "Bq/ml", "contradict"),
    ],
)  # fmt: skip
def test_where_something_is_missing_the_stored_units_stay_and_it_says_why(tmp_path, changes, kind, unit, why):
    image, values, stored = _read(tmp_path, _fields(**changes), kind)
    assert image.unit == unit
    assert np.allclose(values, stored * 2.5, rtol=1e-6)
    (warning,) = image.warnings
    assert why in warning
    assert "stored units" in warning
