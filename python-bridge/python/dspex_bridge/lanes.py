"""Where Python code runs: async functions and programs as tasks on the event loop, sync functions on threads.

The threads are an executor of their own: DSPy needs the loop's default one for every LM call, and a blocked one would
stop them all.
"""

import asyncio
import contextvars
import threading
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .calls import Call
from .forks import leave_if_child

Settle = Callable[[Call, Any, BaseException | None], None]
"""Called once on the loop's thread with the value or the error of a call's code; not for a task that was cancelled before its first step."""


class AsyncLane:
    """Tasks on the loop. Cancelling a call cancels its task."""

    def __init__(self, loop: asyncio.AbstractEventLoop, settle: Settle) -> None:
        self._loop = loop
        self._settle = settle

    def start(self, call: Call, run: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        call.lane = "async"
        call.task = self._loop.create_task(self._run(call, run), context=contextvars.Context())

    async def _run(self, call: Call, run: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        call.started = self._loop.time()
        try:
            value, error = await run(), None
        except BaseException as raised:  # SystemExit of user code must not end the loop
            value, error = None, raised
        leave_if_child()
        self._settle(call, value, error)


class ThreadLane:
    """Threads. A thread cannot be cancelled: its call is answered at once, and what it returns later is dropped. One that does not
    come to its end is the host's to see (PONG) and to end with its process.

    A call that is made inside of another one runs on a thread of its own: the threads here may all be waiting for such calls.

    Calls wait here and not in the executor's queue, which would keep one that has ended until a thread is free. The
    executor gets one job per busy thread, which takes calls as long as any wait.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, threads: int, settle: Settle) -> None:
        self._loop = loop
        self._settle = settle
        self._threads = threads
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="dspex-call")
        self._changed = threading.Lock()  # of the two below, and of the start of a call
        self._waiting: OrderedDict[int, tuple[Call, Callable[[], Any]]] = OrderedDict()
        self._busy = 0

    def start(self, call: Call, run: Callable[[], Any]) -> None:
        call.lane = "thread"
        if call.message.context.depth > 0:
            call.started = self._loop.time()
            context = contextvars.Context()
            threading.Thread(target=context.run, args=(self._run, call, run), name="dspex-nested", daemon=True).start()
            return
        with self._changed:
            self._waiting[call.id] = (call, run)
            if self._busy == self._threads:
                return
            self._busy += 1
        try:
            self._executor.submit(self._work)
        except RuntimeError:  # the system has no further thread
            with self._changed:
                self._busy -= 1
            raise

    def withdraw(self, call: Call) -> None:
        """Forgets a call that waits for a thread; one that has started is not touched."""
        with self._changed:
            self._waiting.pop(call.id, None)

    def _work(self) -> None:
        while (taken := self._take()) is not None:
            contextvars.Context().run(self._run, *taken)

    def _take(self) -> tuple[Call, Callable[[], Any]] | None:
        """The next call, now started; `None` where none waits, and the thread counts as idle."""
        with self._changed:
            while self._waiting:
                _, (call, run) = self._waiting.popitem(last=False)
                now = self._loop.time()
                # The loop may not have come to the call's timer yet; a call that is late by now never runs.
                if call.deadline is None or now < call.deadline:
                    call.started = now
                    return call, run
            self._busy -= 1
            return None

    def _run(self, call: Call, run: Callable[[], Any]) -> None:
        try:
            value, failure = run(), None
        except BaseException as error:
            value, failure = None, error
        leave_if_child()
        self._loop.call_soon_threadsafe(self._settle, call, value, failure)
