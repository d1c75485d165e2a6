"""Which view is rendered when: one at a time, the one under the hand first, the 3D view when the slices rest.

Rendering has the event loop's thread to itself, so what is rendered first is seen first. Nothing queues up:
a view that is asked for ten times while others are rendered is rendered once, as it then is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from io import BytesIO
from time import monotonic, time_ns

from numpy.typing import NDArray
from PIL import Image

MOST_PER_SECOND = 60.0
MOVING_QUALITY, STILL_QUALITY = 75, 95
# how long a view must be unchanged before it is sent in full quality
STILL_AFTER_SECONDS = 0.15
# the 3D view waits until the slices have rested so long, but never longer than the second of these
SLICES_REST_SECONDS, LONGEST_WAIT_SECONDS = 0.08, 2.0


def jpeg(pixels: NDArray, quality: int) -> bytes:
    """``pixels`` is uint8 ``[row, column, RGB]``. A still picture keeps the labels' edges in full colour."""
    stream = BytesIO()
    subsampling = 0 if quality >= STILL_QUALITY else 2
    Image.fromarray(pixels).save(stream, "JPEG", quality=quality, subsampling=subsampling)
    return stream.getvalue()


class Stream:
    """One view's pictures on their way to the page; what trame-rca calls a render scheduler."""

    def __init__(self, queue: RenderQueue, window, is_heavy: bool) -> None:
        self.rca = window
        self.target_fps = MOST_PER_SECOND
        # 3D: takes long, and may wait
        self.is_heavy = is_heavy
        self.suspended = False
        self._queue = queue
        self._push: Callable[[bytes, dict], None] = lambda content, meta: None
        self._picture: tuple[NDArray, int, int] | None = None
        self.wanted_since: float | None = None
        self.last = 0.0
        self.still_due: float | None = None

    def set_push_callback(self, callback: Callable[[bytes, dict], None]) -> None:
        self._push = callback

    def schedule_render(self) -> None:
        if self.wanted_since is None:
            self.wanted_since = monotonic()
        self._queue.wake()

    def render(self, still: bool) -> None:
        self.wanted_since = None
        if not still or self._picture is None:
            self._picture = self.rca.img_cols_rows
        pixels, columns, rows = self._picture
        self.last = monotonic()
        self.still_due = None if still else self.last + STILL_AFTER_SECONDS
        quality = STILL_QUALITY if still else MOVING_QUALITY
        meta = {"type": "image/jpeg", "codec": "", "w": columns, "h": rows, "key": "key", "quality": quality}
        # here and now: it takes a millisecond or two, and waiting for a thread took more
        self._push(jpeg(pixels, quality), {**meta, "st": time_ns() // 1_000_000})

    def reset(self) -> None:
        """Pictures need no start of a stream."""

    async def close(self) -> None:
        self._queue.remove(self)


class RenderQueue:
    """All streams of one page."""

    def __init__(self) -> None:
        self._streams: list[Stream] = []
        self._wake = asyncio.Event()
        self._first: Stream | None = None

    def add(self, window, is_heavy: bool) -> Stream:
        stream = Stream(self, window, is_heavy)
        self._streams.append(stream)
        return stream

    def remove(self, stream: Stream) -> None:
        self._streams.remove(stream)

    def wake(self) -> None:
        self._wake.set()

    def prefer(self, stream: Stream) -> None:
        """This one is under the user's hand: it comes before all others."""
        self._first = stream

    async def run(self) -> None:
        """Render for ever, giving way to everything else after each picture."""
        while True:
            self._wake.clear()
            now = monotonic()
            due = [(self._due(stream, now), stream) for stream in self._streams if not stream.suspended]
            ready = [stream for at, stream in due if at is not None and at <= now]
            if ready:
                stream = min(ready, key=self._order)
                stream.render(still=stream.wanted_since is None)
                await asyncio.sleep(0)
                continue
            times = [at for at, _ in due if at is not None]
            try:
                await asyncio.wait_for(self._wake.wait(), min(times) - now if times else None)
            except asyncio.TimeoutError:
                continue

    def _order(self, stream: Stream) -> tuple:
        is_still = stream.wanted_since is None
        return (stream is not self._first, is_still, stream.is_heavy, stream.wanted_since or stream.last)

    def _due(self, stream: Stream, now: float) -> float | None:
        """When the stream should be rendered next; None when it need not be."""
        soonest = stream.last + 1.0 / stream.target_fps
        at = stream.still_due if stream.wanted_since is None else soonest
        if at is None or not stream.is_heavy or stream is self._first:
            return at
        rest = max((other.last for other in self._streams if not other.is_heavy), default=0.0)
        latest = LONGEST_WAIT_SECONDS + (stream.wanted_since or now)
        return max(at, min(rest + SLICES_REST_SECONDS, latest))
