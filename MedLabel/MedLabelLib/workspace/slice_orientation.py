"""How a slice is turned on the screen: by quarter turns and mirroring, on top of how its plane is shown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_CLOCKWISE = np.array([[0, -1], [1, 0]])
_MIRROR = np.array([[-1, 0], [0, 1]])


@dataclass(frozen=True)
class SliceOrientation:
    """One of the eight ways to lay a rectangle: mirrored left to right or not, then turned clockwise."""

    turns: int = 0
    mirrored: bool = False

    @property
    def axes(self) -> NDArray:
        """2×2; the columns are the screen's right and up, each in the unturned picture's (right, up)."""
        mirror = _MIRROR if self.mirrored else np.eye(2, dtype=int)
        return mirror @ np.linalg.matrix_power(_CLOCKWISE, self.turns)

    @property
    def is_across(self) -> bool:
        """Whether the picture's width lies along the screen's height."""
        return bool(self.turns % 2)

    def rotated(self, clockwise: bool) -> SliceOrientation:
        """The picture as it is on the screen, turned by 90°."""
        return SliceOrientation((self.turns + (1 if clockwise else 3)) % 4, self.mirrored)

    def flipped(self, horizontally: bool) -> SliceOrientation:
        """The picture as it is on the screen, left and right (or top and bottom) exchanged."""
        turns = -self.turns if horizontally else 2 - self.turns
        return SliceOrientation(turns % 4, not self.mirrored)

    def to_json(self) -> dict:
        return {"turns": self.turns, "mirrored": self.mirrored}
