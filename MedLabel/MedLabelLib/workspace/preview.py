"""What the workspace knows of labels that are proposed and not applied, as an interpolation's."""

from __future__ import annotations

from typing import Protocol

from numpy.typing import NDArray

from ..model.box import Box
from ..model.mask import Mask


class PreviewProvider(Protocol):
    """Proposed labels that may be edited before they are applied. A face wires one to a workspace."""

    def proposals(self) -> dict[str, Mask]:
        """By object key: the voxels that applying would add to the object."""

    def draw(
        self, object_key: str, box: Box, voxels: NDArray, add: bool, edit_id: str | None = None
    ) -> NDArray:
        """Take the part of an edit that falls on a proposal.

        ``voxels`` is boolean ``[i, j, k]`` of ``box``: what is to be added or erased. Returns of it what is
        left for the labels themselves. An edit whose ``edit_id`` was taken before is taken and ignored.
        """

    def hint(self, object_key: str, box: Box, voxels: NDArray, add: bool, edit_id: str | None = None) -> None:
        """Follow an edit that is still being made, as far as it does not fall on a proposal."""

    def take_back(self) -> str | None:
        """Take the newest edit of the proposals back if no step of the labels is newer; its name, or None."""
