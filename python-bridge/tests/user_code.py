"""What a user's module does, for the tests of the worker."""

import asyncio
import contextvars
import ctypes
import dataclasses
import datetime
import gc
import inspect
import logging
import os
import subprocess
import sys
import threading
import time

import dspy

from dspex_bridge.calls import Call

ran: list[str] = []
"""Names of calls whose code has started, for tests that say that it must not."""

stop = threading.Event()
waiting: list[None] = []
"""One element for each call that has come to wait for `stop`."""


async def reset() -> None:
    ran.clear()
    stop.clear()
    waiting.clear()


def mark(name: str) -> None:
    ran.append(name)


def marks() -> list[str]:
    return ran


async def marks_async() -> list[str]:
    return ran


async def sleep_async(seconds: float) -> str:
    ran.append("sleep_async")
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        ran.append("sleep_async cancelled")
        raise
    return "slept"


def sleep(seconds: float) -> str:
    time.sleep(seconds)
    return "slept"


def wait_for_stop() -> str:
    waiting.append(None)
    stop.wait(30)
    return "late"


async def waiting_for_stop() -> int:
    return len(waiting)


async def count_calls() -> int:
    gc.collect()
    return sum(type(found) is Call for found in gc.get_objects())


def let_go() -> None:
    stop.set()


async def let_go_async() -> None:
    stop.set()


async def stubborn(seconds: float) -> str:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            ran.append("stubborn went on")
    return "done"


async def clean_up_slowly(seconds: float) -> None:
    ran.append("clean_up_slowly")
    try:
        await asyncio.sleep(30)
    finally:
        await asyncio.sleep(seconds)
        print("cleaned up", flush=True)


def spin(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


async def block_loop(seconds: float) -> None:
    time.sleep(seconds)


def noise() -> str:
    print("from print")
    print("to stderr", file=sys.stderr)
    libc = ctypes.CDLL(None)
    libc.puts(b"from C")
    libc.fflush(None)
    os.write(1, b"from a descriptor\n")
    subprocess.run(["sh", "-c", "echo from a child; echo child stderr >&2"], check=True)
    logging.getLogger("user").warning("from logging")
    logging.getLogger("dspy.user").info("from DSPy's logger")
    return sys.stdin.read()


def flood(lines: int) -> None:
    for number in range(lines):
        print("flood", number)


async def flood_on_loop(size: int) -> None:
    print("x" * 100 + "\n", end="", flush=True)
    os.write(1, (b"y" * 99 + b"\n") * (size // 100))


def fail(text: str) -> None:
    try:
        raise KeyError("inner")
    except KeyError as error:
        raise ValueError(text) from error


async def exit_async() -> None:
    sys.exit(3)


def exit_sync() -> None:
    sys.exit(3)


def fail_unprintably() -> None:
    class Unprintable(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    raise Unprintable


def large(size: int) -> str:
    return "x" * size


async def large_async(size: int) -> str:
    return "x" * size


def large_error(size: int, character: str = "x") -> None:
    raise ValueError(character * size)


def unserializable() -> dict:
    return {"list": [1, {"object": object()}]}


@dataclasses.dataclass
class Point:
    x: int
    at: datetime.date


def rich() -> dict:
    return {"point": Point(1, datetime.date(2026, 1, 2)), "prediction": dspy.Prediction(answer="a")}


def thread_names() -> list[str]:
    return [thread.name for thread in threading.enumerate()]


def stack_depth() -> int:
    return len(inspect.stack())


def settings() -> dict:
    names = ("trace", "disable_history", "callbacks")
    return {name: dspy.settings.get(name, "unset") for name in names} | {"model": getattr(dspy.settings.lm, "model", None)}


def ask_sync(question: str) -> str:
    return dspy.Predict("question -> answer")(question=question).answer


async def ask_async(question: str) -> str:
    return (await dspy.Predict("question -> answer").acall(question=question)).answer


async def fail_asking(question: str) -> None:
    await ask_async(question)
    raise ValueError(question)


async def leave_task(question: str, fail: bool) -> None:
    async def ask() -> None:
        try:
            await ask_async(question)
        finally:
            ran.append("left behind, ended")

    left.append(asyncio.create_task(ask()))
    while not stop.is_set():
        await asyncio.sleep(0.005)
    if fail:
        raise ValueError


def leave_thread(question: str, fail: bool) -> None:
    def ask() -> None:
        try:
            ask_sync(question)
        except BaseException:
            ran.append("left behind, ended")

    threading.Thread(target=contextvars.copy_context().run, args=(ask,)).start()
    stop.wait(30)
    if fail:
        raise ValueError


left: list[asyncio.Task[None]] = []
"""Keeps the tasks that calls leave behind."""


async def ask_sync_on_loop(question: str) -> str:
    return dspy.Predict("question -> answer")(question=question).answer


def ask_in_parallel(questions: list[str]) -> list[str]:
    predict = dspy.Predict("question -> answer")
    examples = [dspy.Example(question=question).with_inputs("question") for question in questions]
    return [found.answer for found in dspy.Parallel(num_threads=4, disable_progress_bar=True)([(predict, e) for e in examples])]


def swallow(question: str) -> str:
    try:
        return ask_sync(question)
    except Exception as error:
        return f"swallowed {type(error).__name__}"
    finally:
        ran.append("swallow ended")


def lm_failure(question: str) -> dict:
    try:
        ask_sync(question)
    except dspy.LMError as error:
        return {"type": type(error).__name__, "text": str(error), "retry_after": error.retry_after,
                "status": error.status, "provider_code": error.provider_code}
    return {}


def deep_copy() -> str:
    import copy

    copied = copy.deepcopy(dspy.settings.lm)
    with dspy.context(lm=copied):
        return ask_sync("copied?")


def raw_prompt(prompt: str) -> list:
    return dspy.settings.lm(prompt)


produced: list[int] = []
"""What the generators have made so far."""


async def count_produced() -> int:
    return len(produced)


async def count(numbers: int, fail: bool = False):
    ran.append("count")
    produced.clear()
    try:
        for number in range(numbers):
            produced.append(number)
            yield number
        if fail:
            raise ValueError("after the last")
    finally:
        ran.append("count closed")


def count_sync(numbers: int, fail: bool = False):
    produced.clear()
    try:
        for number in range(numbers):
            produced.append(number)
            yield number
        if fail:
            raise ValueError("after the last")
    finally:
        ran.append("count_sync closed")


async def wait_for_more():
    try:
        yield "first"
        await asyncio.sleep(60)
    finally:
        ran.append("wait_for_more closed")


async def stubborn_stream():
    while True:
        try:
            await asyncio.sleep(0.001)
        except asyncio.CancelledError:
            ran.append("stubborn_stream went on")
        yield 1


async def chunks(count: int, size: int):
    for _ in range(count):
        produced.append(size)
        yield "x" * size


async def odd_items(kind: str):
    yield 1
    yield object() if kind == "object" else "x" * 5000


async def stream_program(question: str, is_async: bool) -> list:
    listener = dspy.streaming.StreamListener("answer")
    program = dspy.Predict("question -> answer")
    streamed = dspy.streamify(program, stream_listeners=[listener], is_async_program=is_async)
    parts = [part async for part in streamed(question=question)]
    return [part.answer if isinstance(part, dspy.Prediction) else part.chunk for part in parts]


value = 3
