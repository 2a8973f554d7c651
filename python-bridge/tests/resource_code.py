"""Classes that keep something between calls, for `test_modules.py`."""

import asyncio
import threading
import time

events: list[str] = []
"""What has happened, in order."""

failures = {"Reluctant": 1}


async def happened() -> list[str]:
    return events


class Counter:
    """Slow to make; called itself, and by its methods of every kind."""

    def __init__(self) -> None:
        events.append(f"Counter made on {threading.current_thread().name.partition('_')[0]}")
        time.sleep(0.2)
        self.count = 0

    def __call__(self, step: int) -> int:
        self.count += step
        return self.count

    async def add_async(self, step: int) -> int:
        return self(step)

    def stream(self, number: int):
        yield from range(number)

    async def stream_async(self, number: int):
        for item in range(number):
            yield item

    @staticmethod
    def double(number: int) -> int:
        return number * 2

    @classmethod
    def name(cls) -> str:
        return cls.__name__


class Connection:
    def __enter__(self) -> None:
        events.append("Connection entered")

    def __exit__(self, *_: object) -> None:
        print("Connection left", flush=True)

    def ask(self) -> str:
        return "asked"


class AsyncConnection:
    async def __aenter__(self) -> None:
        await asyncio.sleep(0.01)
        self.loop = asyncio.get_running_loop()

    async def __aexit__(self, *_: object) -> None:
        assert self.loop is asyncio.get_running_loop()
        print("AsyncConnection left", flush=True)

    async def ask(self) -> bool:
        return self.loop is asyncio.get_running_loop()


class Closing:
    def close(self) -> None:
        print("Closing closed", flush=True)
        raise ValueError("not in order")

    def __call__(self) -> str:
        return "open"


class AsyncClosing:
    async def close(self) -> None:
        await asyncio.sleep(0.01)
        print("AsyncClosing closed", flush=True)

    def __call__(self) -> str:
        return "open"


class Reluctant:
    """Cannot be made at first."""

    def __init__(self) -> None:
        events.append("Reluctant tried")
        if failures["Reluctant"]:
            failures["Reluctant"] -= 1
            raise ConnectionError("not yet")

    def __call__(self) -> str:
        return "made"


class NeedsArguments:
    def __init__(self, path: str) -> None:
        self.path = path

    def __call__(self) -> str:
        return self.path


class NotCallable:
    def ask(self) -> str:
        return "asked"


class Loud:
    def __init__(self) -> None:
        print("warming up", flush=True)

    def __call__(self) -> str:
        return "warm"
