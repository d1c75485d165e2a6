"""PET in standardized uptake values: what stored numbers are to be multiplied with.

After PS3.3 C.8.9.1 (PET series, decay correction) and the vendor-neutral recipe of the Quantitative
Imaging Biomarkers Alliance (QIBA, "SUV calculation", Radiological Society of North America): the dose is
decayed to the moment to which the image is; SUV is activity per ml over dose per g of the body measure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pydicom import Dataset

# the kinds by their names here, with the unit that the volume gets
SUV_UNITS = {"bw": "SUVbw", "lbm": "SUVlbm", "bsa": "SUVbsa"}
_UNIT_OF_TYPE = {"": "bw", "BW": "bw", "LBM": "lbm", "LBMJAMES128": "lbm", "BSA": "bsa"}
_UNITS_IN_WORDS = {"BQML": "Bq/ml", "CNTS": "counts", "GML": "g/ml", "CM2ML": "cm2/ml", "PROPCPS": "propcps"}
# more hours would make a time behind the scan, a mistake of entry, pass as one of the evening before
_MOST_HALF_LIVES_OVERNIGHT = 6
_STORED = "the volume opens in its stored units"


@dataclass(frozen=True)
class PetScale:
    """``factors`` times the rescaled values (one for all slices, or one each) are of ``unit``.

    ``warning`` says why the unit is not what was asked for, empty where it is.
    """

    unit: str
    factors: tuple[float, ...]
    warning: str = ""


class _Lacking(Exception):
    pass


class _Injection(NamedTuple):
    """When the dose was given. Where only the time of day is said, the day is the scan's."""

    moment: datetime
    has_day: bool


def pet_scale(dataset: Dataset, kind: str = "bw", times: Sequence[str] = ()) -> PetScale:
    """How a PET series becomes SUV of a ``kind`` of :data:`SUV_UNITS`.

    ``dataset`` is one of its images, ``times`` each image's AcquisitionTime, needed where the images are
    not decay corrected. Where an attribute is missing or contradicts itself the series keeps its unit.
    """
    units = str(dataset.get("Units", "") or "").upper()
    stored = _UNITS_IN_WORDS.get(units, units)
    try:
        return _scale(dataset, kind, units, times)
    except _Lacking as lacking:
        return PetScale(stored, (1.0,), f"no SUV could be computed: {lacking}; {_STORED} ({stored or '?'})")


def _scale(dataset: Dataset, kind: str, units: str, times: Sequence[str]) -> PetScale:
    wanted = SUV_UNITS[kind]
    if units in ("GML", "CM2ML"):
        of_type = _UNIT_OF_TYPE.get(str(dataset.get("SUVType", "") or "").upper())
        there = "bsa" if units == "CM2ML" else of_type
        if there is None:
            raise _Lacking(f"its SUV type {dataset.get('SUVType')!r} is not known")
        if there == kind:
            return PetScale(wanted, (1.0,))
        # from one body measure to the other; dose and time are in both
        return PetScale(wanted, (_body(dataset, kind) / _body(dataset, there),))
    if units == "CNTS":
        suv = _philips(dataset, 0x00)
        if suv and kind == "bw":
            return PetScale(wanted, (suv,))
        if suv:
            return PetScale(wanted, (suv * _body(dataset, kind) / _body(dataset, "bw"),))
        activity = _philips(dataset, 0x09)
        if not activity:
            raise _Lacking("its unit is counts, without Philips's factors (7053,1000) or (7053,1009)")
    elif units == "BQML":
        activity = 1.0
    else:
        raise _Lacking(f"its unit is {units or 'not said'}")
    body = _body(dataset, kind)
    return PetScale(wanted, tuple(activity * body / dose for dose in _doses(dataset, times)))


def _philips(dataset: Dataset, element: int) -> float:
    """A factor in Philips's private group 7053; 0 where there is none."""
    for creator in (0x10, *range(0x11, 0x100)):
        name = dataset.get((0x7053, creator))
        if name is not None and "Philips PET" in str(name.value):
            break
    else:
        return 0.0
    found = dataset.get((0x7053, creator << 8 | element))
    value = None if found is None else found.value
    if isinstance(value, bytes):
        value = value.decode("latin-1").strip(" \0")
    try:
        factor = float(value)
    except (TypeError, ValueError):
        return 0.0
    return factor if math.isfinite(factor) else 0.0


def _body(dataset: Dataset, kind: str) -> float:
    """The body measure: weight or lean mass in g, or surface in cm²."""
    weight = _positive(dataset, "PatientWeight", "the patient's weight")
    if kind == "bw":
        return weight * 1000.0
    height = _positive(dataset, "PatientSize", "the patient's height") * 100.0
    if kind == "bsa":
        # Du Bois and Du Bois 1916
        return 0.007184 * weight**0.425 * height**0.725 * 10_000.0
    # James 1976, DICOM's LBMJAMES128
    sex = str(dataset.get("PatientSex", "") or "").upper()
    if sex not in ("M", "F"):
        raise _Lacking("the patient's sex is not said, on which lean body mass depends")
    a, b = (1.10, 128.0) if sex == "M" else (1.07, 148.0)
    lean = a * weight - b * (weight / height) ** 2
    if lean <= 0:
        raise _Lacking("weight and height give no lean body mass")
    return lean * 1000.0


def _doses(dataset: Dataset, times: Sequence[str]) -> list[float]:
    """The dose in Bq at the moment of the image; where that differs, one for each image."""
    corrected = str(dataset.get("DecayCorrection", "") or "").upper()
    information = (dataset.get("RadiopharmaceuticalInformationSequence") or [None])[0]
    if information is None:
        raise _Lacking("it says nothing of the radiopharmaceutical")
    dose = _positive(information, "RadionuclideTotalDose", "the dose")
    if corrected == "ADMIN":
        # the image is corrected to the injection, when the dose was whole
        return [dose]
    if corrected not in ("START", "NONE"):
        raise _Lacking(f"its decay correction is {corrected or 'not said'}")
    half_life = _positive(information, "RadionuclideHalfLife", "the half-life")
    if corrected == "START":
        return [_decayed(dose, half_life, _injection(dataset, information), _start(dataset, half_life))]
    duration = float(dataset.get("ActualFrameDuration") or 0.0) / 1000.0
    day = _date(dataset, "AcquisitionDate") or _date(dataset, "SeriesDate")
    moments = [_moment(day, time) for time in times]
    if not moments or None in moments:
        raise _Lacking("it is not decay corrected, and does not say when each image was acquired")
    middle = timedelta(seconds=duration / 2)
    injection = _injection(dataset, information)
    return [_decayed(dose, half_life, injection, moment + middle) for moment in moments]


def _decayed(dose: float, half_life: float, injection: _Injection, moment: datetime) -> float:
    seconds = (moment - injection.moment).total_seconds()
    most = 20 * half_life
    # an injection said without its day may be one of the evening before
    if -86400 < seconds < 0 and not injection.has_day and injection.moment.date() == moment.date():
        seconds += 86400
        most = _MOST_HALF_LIVES_OVERNIGHT * half_life
    if not 0 <= seconds <= most:
        raise _Lacking("the times of injection and scan contradict each other")
    return dose * 2.0 ** (-seconds / half_life)


def _injection(dataset: Dataset, information: Dataset) -> _Injection:
    full = _moment_of(str(information.get("RadiopharmaceuticalStartDateTime", "") or ""))
    if full is not None:
        return _Injection(full, True)
    day = _date(dataset, "SeriesDate") or _date(dataset, "AcquisitionDate")
    moment = _moment(day, str(information.get("RadiopharmaceuticalStartTime", "") or ""))
    if moment is None:
        raise _Lacking("it does not say when the dose was given")
    return _Injection(moment, False)


def _start(dataset: Dataset, half_life: float) -> datetime:
    """The moment to which START corrects: when the scan began.

    That is the series' time, unless a later processing has changed it (then it lies behind the
    acquisition's); GE keeps the true one in a private element; else it follows from the frame's mean time
    (FrameReferenceTime) and its duration.
    """
    series = _moment(_date(dataset, "SeriesDate"), str(dataset.get("SeriesTime", "") or ""))
    acquired = _moment(
        _date(dataset, "AcquisitionDate") or _date(dataset, "SeriesDate"),
        str(dataset.get("AcquisitionTime", "") or ""),
    )
    if series is not None and (acquired is None or series <= acquired):
        return series
    own = _ge_scan_time(dataset)
    if own is not None and (acquired is None or own <= acquired):
        return own
    reference = float(dataset.get("FrameReferenceTime") or 0.0) / 1000.0
    duration = float(dataset.get("ActualFrameDuration") or 0.0) / 1000.0
    if acquired is not None and reference > 0 and duration > 0:
        # where within the frame the activity is at its mean (Siemens, QIBA)
        decay = math.log(2.0) / half_life
        mean = math.log(decay * duration / (1.0 - math.exp(-decay * duration))) / decay
        return acquired - timedelta(seconds=reference - mean)
    raise _Lacking("its series time lies behind the acquisition, and nothing else says when the scan began")


def _ge_scan_time(dataset: Dataset) -> datetime | None:
    for creator in range(0x10, 0x100):
        name = dataset.get((0x0009, creator))
        if name is not None and str(name.value).strip() == "GEMS_PETD_01":
            found = dataset.get((0x0009, creator << 8 | 0x0D))
            value = "" if found is None else found.value
            return _moment_of(value.decode("latin-1") if isinstance(value, bytes) else str(value))
    return None


def _positive(dataset: Dataset, keyword: str, words: str) -> float:
    try:
        value = float(dataset.get(keyword) or 0.0)
    except (TypeError, ValueError):
        value = 0.0
    if not (value > 0 and math.isfinite(value)):
        raise _Lacking(f"{words} is missing ({keyword})")
    return value


def _date(dataset: Dataset, keyword: str) -> str:
    return str(dataset.get(keyword, "") or "").strip()


def _moment(day: str, time: str) -> datetime | None:
    return _moment_of(day + time.strip().split("\\")[0]) if len(day) == 8 and time.strip() else None


def _moment_of(text: str) -> datetime | None:
    """DICOM's DT without its zone, which all times of one series share."""
    plain = text.strip(" \0").split("+")[0].split("-")[0]
    whole, _, fraction = plain.partition(".")
    try:
        moment = datetime.strptime(whole.ljust(14, "0"), "%Y%m%d%H%M%S")
        return moment + timedelta(seconds=float(f"0.{fraction}") if fraction else 0.0)
    except ValueError:
        return None
