"""What user code does to a worker, on purpose or not, for `test_bad_code.py`."""

import asyncio
import concurrent.futures
import ctypes
import io
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time

import dspy

from dspex_bridge import host

WIRE_IN, WIRE_OUT = 200, 201


# Descriptors


def close_descriptors(first: int, behind: int) -> str:
    os.closerange(first, behind)
    time.sleep(30)
    return "still here"


async def replace_wire() -> str:
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, WIRE_IN)
    os.dup2(null, WIRE_OUT)
    return "nobody reads this"


def close_stdio() -> str:
    os.close(1)
    os.close(2)
    try:
        print("into the void", flush=True)
    except OSError as error:
        return f"refused: {error.errno}"
    return "printed"


def replace_stdout(how: str) -> None:
    if how == "closed":
        sys.stdout.close()
    else:
        sys.stdout = sys.stderr = io.StringIO() if how == "text" else None


# Forks


def fork_and_return() -> list[int]:
    """Both processes return from here."""
    return [os.getpid(), os.fork()]


async def fork_on_the_loop(then_wait: bool) -> list[int]:
    pids = [os.getpid(), os.fork()]
    if then_wait:
        await asyncio.sleep(0.01)
    return pids


async def step_aside(path: str, count: int) -> None:
    """Notes the process of each step, so that a step which runs in a copy of the loop shows."""
    with open(path, "a") as notes:
        for _ in range(count):
            await asyncio.sleep(0)
            print(os.getpid(), file=notes, flush=True)


async def fork_beside_others(path: str) -> int:
    others = [asyncio.ensure_future(step_aside(path, 50)) for _ in range(10)]
    await asyncio.sleep(0)
    child = os.fork()
    await asyncio.sleep(0)
    await asyncio.gather(*others)
    return child


def fork_and_yield():
    yield 1
    os.fork()
    yield 2


def fork_and_fail() -> None:
    os.fork()
    raise ValueError("in both")


def _ask_in_child(pipe) -> None:
    try:
        pipe.send(dspy.settings.lm("?"))
    except Exception as error:
        pipe.send(f"{type(error).__name__}: {error}")


def ask_in_a_fork() -> str:
    here, there = multiprocessing.Pipe()
    context = multiprocessing.get_context("fork")
    child = context.Process(target=_ask_in_child, args=(there,))
    child.start()
    child.join(10)
    return here.recv()


async def subprocess_with_preexec() -> str:
    done = subprocess.run(["echo", "out of a child"], preexec_fn=os.getpid, capture_output=True, text=True, check=True)
    return done.stdout


def print_in_a_fork() -> None:
    child = os.fork()
    if child == 0:
        print("printed by a fork", flush=True)
        import logging

        logging.getLogger("fork").warning("logged by a fork")
        os._exit(0)
    os.waitpid(child, 0)


# Blocking


def hold_the_gil(ms: float) -> None:
    ctypes.PyDLL(None).usleep(int(ms * 1000))



# Recursion


def recurse(n: int = 0) -> int:
    return recurse(n + 1) + 1


async def recurse_async(n: int = 0) -> int:
    return await recurse_async(n + 1) + 1


def recurse_in_c() -> str:
    sys.setrecursionlimit(10**8)
    nested: list = []
    for _ in range(500_000):
        nested = [nested]
    return repr(nested)


async def recurse_in_c_on_the_loop() -> str:
    return recurse_in_c()


def nested(levels: int) -> list:
    value: list = []
    for _ in range(levels):
        value = [value]
    return value


# What is raised


class Base(BaseException):
    pass


_RAISED = {
    "Base": Base,
    "KeyboardInterrupt": KeyboardInterrupt,
    "SystemExit": SystemExit,
    "GeneratorExit": GeneratorExit,
    "CancelledError": asyncio.CancelledError,
    "StopIteration": StopIteration,
    "StopAsyncIteration": StopAsyncIteration,
    "InvalidStateError": concurrent.futures.InvalidStateError,
    "MemoryError": MemoryError,
}


def raise_sync(name: str) -> None:
    raise _RAISED[name]("raised")


async def raise_async(name: str) -> None:
    raise _RAISED[name]("raised")


def raise_in_a_stream(name: str):
    yield 1
    raise _RAISED[name]("raised")


async def raise_in_an_async_stream(name: str):
    yield 1
    raise _RAISED[name]("raised")


class SaysNothing(Exception):
    def __str__(self) -> str:
        raise SystemExit("in __str__")


class SaysNoText(Exception):
    def __str__(self):
        return 3


class SaysItself(Exception):
    def __str__(self) -> str:
        return f"{self}"


class HidesItsCause(Exception):
    @property
    def __cause__(self):
        raise SystemExit("in __cause__")


def raise_hostile(name: str) -> None:
    raise globals()[name]()


def raise_circle() -> None:
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    raise first


def raise_large(size: int) -> None:
    raise ValueError("token=" * (size // 6))


def raise_secret() -> None:
    try:
        raise KeyError(os.environ["CANARY_TOKEN"])
    except KeyError as error:
        raise RuntimeError("Client(api_key='canary-shown')") from error


def print_secret() -> None:
    print("the token is", os.environ["CANARY_TOKEN"])


# What is left behind


async def leave_behind(how: str) -> str:
    loop = asyncio.get_running_loop()
    if how == "task":

        async def leave() -> None:
            raise SystemExit("left behind")

        kept.append(loop.create_task(leave()))
    elif how == "callback":
        loop.call_soon(sys.exit, "left behind")
    elif how == "stop":
        loop.call_soon(loop.stop)
    elif how == "thread":
        threading.Thread(target=sys.exit, args=("left behind",)).start()
    return how


kept: list[object] = []


async def close_the_loop() -> None:
    asyncio.get_running_loop().close()


async def break_the_loop() -> None:
    os.close(asyncio.get_running_loop()._selector.fileno())
    await asyncio.sleep(30)


# Ends


def end(how: str) -> None:
    if how == "exit":
        os._exit(3)
    elif how == "abort":
        os.abort()


def start_sleeper() -> int:
    """A process of user code that stays in the worker's group."""
    return subprocess.Popen(["sleep", "300"]).pid


# Results


class Model:
    def model_dump(self, mode: str) -> dict:
        raise SystemExit("in model_dump")


def unsendable(what: str) -> object:
    circle: list = []
    circle.append(circle)
    return {
        "circle": circle,
        "function": unsendable,
        "generator": (n for n in range(3)),
        "class": Model,
        "model": Model(),
        "integer": 2**70,
        "key": {(1, 2): 3},
        "complex": 1j,
        "lock": threading.Lock(),
    }[what]


def unawaited() -> object:
    return asyncio.sleep(0)


def context_of_call() -> dict:
    return {"traceparent": host.traceparent(), "cancelled": host.cancelled()}


async def cancel_all_others() -> None:
    """As a careless library does."""
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
