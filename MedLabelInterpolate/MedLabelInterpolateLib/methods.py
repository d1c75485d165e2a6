"""The methods there are, by name, and the one call that fills an object's gaps with one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from MedLabelLib.model.box import Box
from MedLabelLib.model.errors import MedLabelError, NotFoundError
from MedLabelLib.model.mask import Mask

from .filling import Filling
from .gaps import Gap
from .image_guided import ImageGuided
from .morphological import Morphological
from .problem import Problem
from .shape_based import ShapeBased


@dataclass(frozen=True)
class GapFill:
    """What a method puts into one gap.

    ``voxels`` is boolean ``[i, j, k]`` of ``box``'s shape, Fortran order; on the gap's slices the object
    is empty outside the box. On key slices of other planes, which run through the box, it is as drawn.
    ``doubt`` says for each slice of the gap how many voxels the method itself expects to be wrong.
    """

    gap: Gap
    box: Box
    voxels: NDArray[np.bool_]
    doubt: tuple[float, ...] = ()

    @property
    def filled(self) -> int:
        """How many voxels belong to the object."""
        return int(np.count_nonzero(self.voxels))


class Method(Protocol):
    """A way to fill gaps. ``name`` is for commands and files, ``title`` for people."""

    name: str
    title: str
    needs_image: bool

    def fill(self, problem: Problem, gap: Gap) -> Filling | None:
        """What belongs into one gap, by the slices drawn beside it.

        Deterministic. None where nothing is drawn beside the gap.
        """


class InterpolationCancelled(MedLabelError):
    """The one who asked does not want the answer any more."""


METHODS: dict[str, Method] = {
    method.name: method for method in (ImageGuided(), ShapeBased(), Morphological())
}

#: What is best on ``medlabel bench interpolation``, and without a scan to be guided by.
DEFAULT_METHOD = "image"
METHOD_WITHOUT_IMAGE = "shape"


def method_named(name: str | None, problem: Problem) -> Method:
    """The method of that name, or for None the best for this problem.

    Raises
    ------
    NotFoundError
        for a name that no method has, and for a method that needs a scan where there is none.
    """
    if name is None:
        name = METHOD_WITHOUT_IMAGE if problem.image is None else DEFAULT_METHOD
    if name not in METHODS:
        raise NotFoundError(f"there is no method {name!r} of interpolation; there are {', '.join(METHODS)}")
    method = METHODS[name]
    if method.needs_image and problem.image is None:
        raise NotFoundError(f"the method {name!r} needs a scan to look at, and there is none")
    return method


def fill_gap(problem: Problem, gap: Gap, method: str | None = None) -> GapFill:
    """What ``method`` (default: the best for this problem) puts into one gap.

    Drawn slices stay as they are, and forbidden voxels are not taken.
    """
    found = method_named(method, problem).fill(problem, gap)
    if found is None:
        nothing = np.zeros((0, 0, 0), dtype=bool)
        return GapFill(gap, Box((0, 0, 0), (0, 0, 0)), nothing, (0.0,) * len(gap.slices))
    return GapFill(gap, found.box, problem.settle(found.box, found.voxels), found.doubt)


def interpolate(
    problem: Problem,
    method: str | None = None,
    gaps: Iterable[Gap] | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> list[GapFill]:
    """Fill ``gaps`` (default: all of the problem's, without caps), in order.

    ``progress(done, of)`` is called after each gap; ``cancel()`` is asked before each.

    Raises
    ------
    InterpolationCancelled
        once ``cancel()`` says so.
    """
    wanted = list(problem.gaps() if gaps is None else gaps)
    fills = []
    for number, gap in enumerate(wanted):
        if cancel is not None and cancel():
            raise InterpolationCancelled("the interpolation was cancelled")
        fills.append(fill_gap(problem, gap, method))
        if progress is not None:
            progress(number + 1, len(wanted))
    return fills


def filled_mask(problem: Problem, fills: Iterable[GapFill]) -> Mask:
    """The object as drawn and filled: its key slices and the fills, nothing else of the mask."""
    box = problem.mask_box
    result = Mask(problem.geometry.shape)
    if box is not None:
        result.write(box, problem.mask.read(box) & problem.known(box))
    for fill in fills:
        if not fill.box.is_empty:
            result.write(fill.box, fill.voxels)
    return result
