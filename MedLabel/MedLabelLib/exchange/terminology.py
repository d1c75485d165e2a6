"""Which code of the standard a class's name stands for.

The codes are those of DICOM's context groups for segments (CID 7191 to 7198), which pydicom carries.
Sides are taken off a name and given as a modifier. A class without a code of the standard gets a
private one: scheme ``99MEDLABEL``, and a value that follows from its name.
"""

from __future__ import annotations

import functools
import hashlib
import re
from dataclasses import dataclass

PRIVATE_SCHEME = "99MEDLABEL"


@dataclass(frozen=True)
class Code:
    """A code: its value, the scheme that it is of, and what it means."""

    value: str
    scheme: str
    meaning: str

    @property
    def is_private(self) -> bool:
        return self.scheme == PRIVATE_SCHEME


@dataclass(frozen=True)
class Term:
    """What a segment is: its category, its type, and a side of the body."""

    category: Code
    type: Code
    modifier: Code | None = None


_TISSUE = Code("85756007", "SCT", "Tissue")
_ANATOMY = Code("91723000", "SCT", "Anatomical Structure")
_OBJECT = Code("260787004", "SCT", "Physical object")
_ABNORMAL = Code("49755003", "SCT", "Morphologically Abnormal Structure")
_FUNCTION = Code("246464006", "SCT", "Function")
_RELATION = Code("309825002", "SCT", "Spatial and Relational Concept")
_BODY_SUBSTANCE = Code("91720002", "SCT", "Body Substance")
_SUBSTANCE = Code("105590001", "SCT", "Substance")

# the context group of each category's types, the likelier meaning of a name first
_GROUPS = (
    (7194, _ABNORMAL),
    (7192, _ANATOMY),
    (7191, _TISSUE),
    (7197, _BODY_SUBSTANCE),
    (7193, _OBJECT),
    (7196, _RELATION),
    (7195, _FUNCTION),
    (7198, _SUBSTANCE),
)
_SIDES = {
    "left": Code("7771000", "SCT", "Left"),
    "right": Code("24028007", "SCT", "Right"),
}
# how labels are commonly called, and the name of the concept they mean
_ALIASES = {
    "tumor": "neoplasm",
    "tumour": "neoplasm",
    "gtv": "neoplasm",
    "metastasis": "neoplasmsecondary",
    "oedema": "edema",
    "kidneycyst": "cyst",
    "lungnodule": "nodule",
    "urinarybladder": "bladder",
    "smallbowel": "smallintestine",
    "largebowel": "largeintestine",
    "clavicula": "clavicle",
    "thyroidgland": "thyroid",
    "lungupperlobe": "upperlobeoflung",
    "lungmiddlelobe": "middlelobeofrightlung",
    "lunglowerlobe": "lowerlobeoflung",
    "ivc": "inferiorvenacava",
    "svc": "superiorvenacava",
    "brachiocephalictrunk": "innominateartery",
    "brachiocephalicvein": "innominatevein",
    "iliacvena": "iliacvein",
    "autochthon": "erectorspinaemuscle",
    "costalcartilages": "costalcartilage",
}


def term_of(class_name: str) -> Term:
    """The term of a class: the standard's where its name is one of the standard's, else a private one."""
    words = [word for word in re.split(r"[\W_]+", _spaced(class_name).lower()) if word]
    sides = [word for word in words if word in _SIDES]
    key = "".join(word for word in words if word not in _SIDES)
    if vertebra := re.fullmatch(r"vertebrae?([cltCLT]\d{1,2})", key):
        key = f"{vertebra[1]}vertebra"
    elif re.fullmatch(r"rib\d{1,2}", key):
        key = "rib"
    modifier = _SIDES[sides[0]] if len(sides) == 1 else None
    # what names a side of its own ("left ventricle") comes before a structure on a side
    for wanted, side in (("".join(words), None), (_ALIASES.get(key, key), modifier)):
        if wanted in _standard_terms():
            category, code = _standard_terms()[wanted]
            return Term(category, code, side)
    digest = hashlib.sha256(class_name.encode()).hexdigest()[:12].upper()
    return Term(_ANATOMY, Code(f"C{digest}", PRIVATE_SCHEME, _meaning(class_name)))


def _spaced(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)


def _meaning(name: str) -> str:
    """``name`` as a code's meaning may be: no backslash, no control, at most 64 characters."""
    return re.sub(r"[\x00-\x1f\\]", " ", name).strip()[:64].strip() or "Label"


@functools.cache
def _standard_terms() -> dict[str, tuple[Code, Code]]:
    from pydicom.sr.codedict import codes

    terms: dict[str, tuple[Code, Code]] = {}
    for group, category in _GROUPS:
        collection = getattr(codes, f"cid{group}")
        for keyword, concept in collection.concepts.items():
            code = Code(concept.value, concept.scheme_designator, concept.meaning)
            terms.setdefault(keyword.lower().strip("_"), (category, code))
            terms.setdefault(re.sub(r"[\W_]+", "", concept.meaning.lower()), (category, code))
    return terms
