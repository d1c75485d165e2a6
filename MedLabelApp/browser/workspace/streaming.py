"""Which view is rendered when: one at a time, the one under the hand first, the 3D view when the slices rest.

Rendering has the event loop's thread to itself, so what is rendered first is seen first. Nothing queues up:
a view that is asked for ten times while others are rendered is rendered once, as it then is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from time import monotonic, time_ns

from numpy.typing import NDArray
from PIL import Image

MOST_PER_SECOND = 60.0
MOVING_QUALITY, STILL_QUALITY = 75, 95
# how long a view must be unchanged before it is sent in full quality
STILL_AFTER_SECONDS = 0.15
# the 3D view waits until the slices have rested so long, but never longer than the second of these
SLICES_REST_SECONDS, LONGEST_WAIT_SECONDS = 0.06, 0.5


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
        self.before_render: Callable[[bool], None] = lambda moving: None
        self._queue = queue
        self._push: Callable[[bytes, dict], None] = lambda content, meta: None
        self._sent = 0
        self._number = 0
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
        self.before_render(not still)
        pixels, columns, rows = self.rca.img_cols_rows
        self.last = monotonic()
        self.still_due = None if still else self.last + STILL_AFTER_SECONDS
        self._number += 1
        number, quality = self._number, STILL_QUALITY if still else MOVING_QUALITY
        meta = {"type": "image/jpeg", "codec": "", "w": columns, "h": rows, "key": "key", "quality": quality}
        encoding = asyncio.get_running_loop().run_in_executor(self._queue.pool, jpeg, pixels, quality)
        encoding.add_done_callback(lambda done: self._send(number, done.result(), meta))

    def _send(self, number: int, content: bytes, meta: dict) -> None:
        # a picture that was overtaken by a newer one is of no use
        if number > self._sent:
            self._sent = number
            self._push(content, {**meta, "st": time_ns() // 1_000_000})

    def reset(self) -> None:
        """Pictures need no start of a stream."""

    async def close(self) -> None:
        self._queue.remove(self)


class RenderQueue:
    """All streams of one page."""

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(2, thread_name_prefix="encoding")
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
