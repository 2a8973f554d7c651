"""The host's monotonic clock, as far as a worker can know it."""

import asyncio


class HostClock:
    """Turns times on the host's monotonic clock into times on the loop's.

    Every message with a host time bounds the offset from above, because transport can only delay; the smallest
    difference seen is the best estimate.
    """

    def __init__(self) -> None:
        self._offset = float("inf")

    def observe(self, host_ms: float, local: float) -> None:
        """A message that said `host_ms` arrived at `local` seconds."""
        self._offset = min(self._offset, local - host_ms / 1000)

    def to_local(self, host_ms: float) -> float:
        """Seconds on the loop's clock."""
        return host_ms / 1000 + self._offset


class LagMeter:
    """How late the event loop's timers fire: the worst of late, which counts half with each further timer."""

    PERIOD_SECONDS = 0.2

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._worst = 0.0
        self._due = loop.time()
        self._tick()

    @property
    def lag_ms(self) -> float:
        """By how much timers were late, or the next one is by now."""
        return max(self._worst, self._loop.time() - self._due, 0.0) * 1000

    def _tick(self) -> None:
        self._worst = max(self._worst / 2, self._loop.time() - self._due)
        self._due = self._loop.time() + self.PERIOD_SECONDS
        self._loop.call_at(self._due, self._tick)
