"""Memory for large messages."""

import sys

KEPT_BYTES = 64 * 1024 * 1024
"""What is kept, at most, to be used again."""

_WORTH_KEEPING = 1024 * 1024


class Memory:
    """Gives memory, and gives the same again once nobody holds it: the pages of fresh memory cost several times what it takes
    to fill them, because the system clears each when it is first written to."""

    def __init__(self) -> None:
        self._kept: list[bytearray] = [bytearray()]
        # As this interpreter counts who holds what only the list holds.
        self._unheld = self._holders(0)
        self._kept.clear()

    def take(self, size: int) -> memoryview:
        """Memory of this size, with anything in it."""
        if size < _WORTH_KEEPING:
            return memoryview(bytearray(size))
        for index in range(len(self._kept)):
            if size <= len(self._kept[index]) <= 2 * size and self._holders(index) == self._unheld:
                self._kept.append(self._kept.pop(index))
                return memoryview(self._kept[-1])[:size]
        fresh = bytearray(size)
        self._kept.append(fresh)
        while sum(map(len, self._kept)) > KEPT_BYTES:
            del self._kept[0]
        return memoryview(fresh)

    def _holders(self, index: int) -> int:
        return sys.getrefcount(self._kept[index])
