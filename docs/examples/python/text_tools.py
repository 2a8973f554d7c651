"""Ordinary Python, without a word of DSPex, but for the last function."""

import asyncio
import re
from collections import Counter
from collections.abc import Iterator

from dspex_bridge import host


def most_common(text: str, n: int) -> list[tuple[str, int]]:
    """The most frequent words. Runs on a thread of the worker."""
    return Counter(re.findall(r"[a-z]+", text.lower())).most_common(n)


async def patient(seconds: float) -> str:
    """Runs on the worker's event loop, beside other calls."""
    await asyncio.sleep(seconds)
    return "done"


class Dictionary:
    """Made once per worker, and closed when the worker leaves."""

    def __init__(self) -> None:
        self.words = {"order": "Bestellung", "refund": "Erstattung"}

    def translate(self, word: str) -> str:
        """The German word, or the word itself."""
        return self.words.get(word, word)

    def close(self) -> None:
        """Called at the end."""
        self.words.clear()


def index(documents: list[str]) -> Iterator[dict[str, int]]:
    """Works through documents, and says how far it is."""
    words = 0
    for done, document in enumerate(documents, start=1):
        words += len(document.split())
        yield {"done": done, "of": len(documents), "words": words}


def cheapest(products: list[str]) -> str:
    """Asks the host for each price."""
    prices = {product: host.call_tool("price", product=product) for product in products}
    return min(prices, key=lambda product: prices[product])
