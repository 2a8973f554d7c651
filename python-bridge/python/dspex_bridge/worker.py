"""The worker: what each message of the host does."""

import asyncio
from collections.abc import Callable
from typing import Any

import dspy

from .calls import Call
from .clock import HostClock, LagMeter
from .codec import to_wire
from .connection import Connection
from .errors import CallError, smallest, too_large, wire_error
from .frames import FrameTooLarge, Violation
from .functions import Function, Functions
from .host_lm import HostLms
from .lanes import AsyncLane, ThreadLane
from .messages import CallMessage, Cancel, Credit, Hello, Kind, Piece, Ping, Put, Upresult
from .process import rss_bytes
from .programs import Program, Programs
from .streams import CallStream
from .tables import UnreadableTable
from .traces import continue_trace
from .upcalls import Upcalls

CLOSE_SECONDS = 5.0
"""How long the instances of classes may take to close, all together."""


class Worker:
    """The table of calls, and everything that changes it. All methods belong to the loop's thread."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        hello: Hello,
        clock: HostClock,
        connection: Connection,
        on_drained: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._max_in_flight = hello.max_in_flight
        self._clock = clock
        self._connection = connection
        self._on_drained = on_drained
        self._draining = False
        self._leaving: asyncio.Task[None] | None = None
        self._calls: dict[int, Call] = {}
        # Answered (cancelled, late), but their Python code still runs: since when, the oldest first.
        self._abandoned: dict[int, float] = {}
        self._lag = LagMeter(loop)
        self._upcalls = Upcalls(loop, connection)
        self._lms = HostLms(self._upcalls)
        self._programs = Programs()
        self._functions = Functions(loop, self._released)
        self._async_lane = AsyncLane(loop, self._finish)
        self._thread_lane = ThreadLane(loop, hello.threads, self._finish)
        self._adapter = dspy.ChatAdapter()
        self._handlers: dict[int, Callable[[Any], None]] = {
            Kind.CALL: self._on_call,
            Kind.UPRESULT: self._on_upresult,
            Kind.CANCEL: self._on_cancel,
            Kind.PING: self._on_ping,
            Kind.PUT: self._on_put,
            Kind.DRAIN: lambda _message: self.drain(),
            Kind.STREAM: self._on_piece,
            Kind.CREDIT: self._on_credit,
        }

    def on_message(self, kind: int, message: Any) -> None:
        """Handles a message after HELLO.

        Raises:
            Violation
        """
        if kind == Kind.HELLO:
            raise Violation("a second HELLO")
        self._handlers[kind](message)

    async def warm_up(self, targets: list[str]) -> None:
        """Imports functions and makes the instances of classes, before the first call needs them.

        Raises:
            CallError: one of them cannot be had.
        """
        for target in targets:
            await self._functions.warm_up(target)

    def drain(self) -> None:
        """Takes no further call. `on_drained` runs when the last one in flight has been answered, no code of any runs any more, and
        the instances of classes are closed."""
        if not self._draining:
            self._draining = True
            self._check_drained()

    def _check_drained(self) -> None:
        if not self._draining or self._calls or self._abandoned or self._leaving is not None:
            return
        self._leaving = self._loop.create_task(self._leave())

    async def _leave(self) -> None:
        await asyncio.wait([self._loop.create_task(self._functions.close())], timeout=CLOSE_SECONDS)
        self._on_drained()

    # Messages

    def _on_call(self, message: CallMessage) -> None:
        if message.id in self._calls:
            raise Violation(f"a CALL with the id {message.id} of a call in flight")
        deadline = None if message.deadline_ms is None else self._clock.to_local(message.deadline_ms)
        call = Call(message, deadline, self._upcalls)
        if message.context.stream is not None:
            call.stream = CallStream(self._loop, self._connection, call.id, message.context.stream.credits)
        refusal = self._refusal(call)
        self._calls[call.id] = call
        if refusal is not None:
            self._fail(call, refusal)
            return
        if deadline is not None:
            call.timer = self._loop.call_at(deadline, self._abort, call, "deadline_exceeded", "the deadline has passed")
        self._connection.when_room_for_call(self._begin, call)

    def _begin(self, call: Call) -> None:
        if call.settled:  # while it waited for the host to read
            return
        try:
            if call.deadline is not None and self._loop.time() >= call.deadline:
                raise CallError("deadline_exceeded", "the deadline passed before the call started")
            self._start(call)
        except Exception as error:  # also a system without a further thread: it is this call's affair, and no other frame's
            self._thread_lane.withdraw(call)
            self._fail(call, error)

    def _refusal(self, call: Call) -> CallError | None:
        if self._draining:
            return CallError("draining", "this worker takes no further calls")
        # A call made inside of another one has its place: the other one waits for it.
        if len(self._calls) >= self._max_in_flight and call.message.context.depth == 0:
            return CallError("overloaded", f"{self._max_in_flight} calls are in flight here already")
        return None

    def _on_upresult(self, message: Upresult) -> None:
        self._upcalls.resolve(message)

    def _on_piece(self, message: Piece) -> None:
        self._upcalls.take_piece(message)

    def _on_credit(self, message: Credit) -> None:
        call = self._calls.get(message.id)
        if call is not None and call.stream is not None:  # else it has ended
            call.stream.grant(message.n)

    def _on_cancel(self, message: Cancel) -> None:
        call = self._calls.get(message.id)
        if call is not None:  # else its answer is on its way
            self._abort(call, "cancelled", "the host cancelled the call")

    def _on_ping(self, message: Ping) -> None:
        self._clock.observe(message.monotonic_ms, self._loop.time())
        self._fail_cancelled()
        oldest = next(iter(self._abandoned.values()), None)
        state = {
            "lagMs": self._lag.lag_ms,
            "inFlight": list(dict.fromkeys([*self._calls, *self._connection.unsent_answers])),
            "abandoned": len(self._abandoned),
            "abandonedMs": 0.0 if oldest is None else (self._loop.time() - oldest) * 1000,
            "rssBytes": rss_bytes(),
        }
        self._connection.send(Kind.PONG, [message.n, state])

    def _on_put(self, message: Put) -> None:
        self._programs.put(message.hash, message.spec)

    # Running

    def _start(self, call: Call) -> None:
        target = call.message.target
        if isinstance(call.message.input, UnreadableTable):
            raise CallError("invalid_input", str(call.message.input))
        if target.program is not None:
            self._start_program(call, self._programs.get(target.program))
            return
        if not isinstance(call.message.input, list):
            raise CallError("invalid_input", "the input of a function is an array of its arguments")
        name = target.function or ""
        function = self._functions.known(name)
        if function is not None:
            self._start_function(call, function)
        else:
            self._functions.resolve(name, call.id, lambda resolved: self._on_resolved(call, resolved))

    def _on_resolved(self, call: Call, resolved: Function | BaseException) -> None:
        try:
            if isinstance(resolved, BaseException):
                raise resolved
            self._start_function(call, resolved)
        except BaseException as error:
            self._fail(call, error)

    def _start_program(self, call: Call, program: Program) -> None:
        inputs = program.fit_input(call.message.input)
        settings = self._settings(call)
        traceparent = call.message.context.traceparent

        async def run() -> Any:
            if traceparent is not None:
                continue_trace(traceparent)
            with dspy.context(**settings):
                prediction = await program.run(inputs, call.stream)
            return to_wire(dict(prediction.items()))

        self._async_lane.start(call, run)

    def _start_function(self, call: Call, function: Function) -> None:
        if function.is_generator and call.stream is None:
            name = call.message.target.function
            raise CallError("invalid_target", f"{name!r} is a generator; call it as a stream", target=name)
        settings = self._settings(call)
        arguments = call.message.input
        traceparent = call.message.context.traceparent

        async def run_async() -> Any:
            if traceparent is not None:
                continue_trace(traceparent)
            with dspy.context(**settings):
                if function.is_generator:
                    return await function.send_items(arguments, call.stream)
                return to_wire(await function.call(*arguments))

        def run() -> Any:
            if traceparent is not None:
                continue_trace(traceparent)
            with dspy.context(**settings):
                if function.is_generator:
                    return function.send_items_from_thread(arguments, call.stream)
                return to_wire(function.call(*arguments))

        if function.is_async:
            self._async_lane.start(call, run_async)
        else:
            self._thread_lane.start(call, run)

    def _settings(self, call: Call) -> dict[str, Any]:
        """DSPy's settings of one call: nothing of it is kept in the process, and the call goes wherever they go."""
        lm = call.message.context.lm
        return {
            "lm": None if lm is None else self._lms.get(lm),
            "adapter": self._adapter,
            "trace": None,
            "disable_history": True,
            "callbacks": [],
            "dspex_call": call,
        }

    # Settling

    def _fail_cancelled(self) -> None:
        """Answers calls whose task other code cancelled before its first step: nothing of it has run, and nothing will."""
        cancelled = [call for call in self._calls.values() if call.task is not None and call.task.cancelled()]
        for call in cancelled:
            self._fail(call, asyncio.CancelledError())
        self._functions.give_up_cancelled()

    def _finish(self, call: Call, value: Any, error: BaseException | None) -> None:
        """A lane is done with a call."""
        if call.settled:
            self._released(call.id)
        elif error is not None:
            self._fail(call, error)
        else:
            self._succeed(call, value)

    def _succeed(self, call: Call, value: Any) -> None:
        try:
            self._connection.send(Kind.RESULT, [call.id, value, self._info(call)])
        except FrameTooLarge as error:
            self._fail(call, too_large("The result", error))
        else:
            self._settle(call)

    def _info(self, call: Call) -> dict[str, Any] | None:
        info = call.info(self._loop.time())
        if info is None:
            return None
        if call.message.target.program is not None:
            lm = call.message.context.lm
            asked = lm.config.get("n") if lm is not None else 1
            asked = asked if type(asked) is int and asked > 0 else 1
            # Predict and ChainOfThought ask once; more requests than that are the JSON adapter's second attempt.
            if call.lm_calls > asked:
                info["adapterFallback"] = True
        return info

    def _fail(self, call: Call, error: BaseException) -> None:
        call.settled = True  # what the sending lets begin must not find it open
        wire, info = wire_error(error), self._info(call)
        try:
            self._connection.send(Kind.ERROR, [call.id, wire, info])
        except FrameTooLarge:
            self._connection.send(Kind.ERROR, [call.id, smallest(wire), info])
        self._settle(call)

    def _abort(self, call: Call, code: str, message: str) -> None:
        """Answers a call at once, and stops what can be stopped of it."""
        self._thread_lane.withdraw(call)  # from here on it cannot start
        function = call.message.target.function
        if call.started is not None or function is not None and self._functions.withdraw(function, call.id):
            self._abandoned[call.id] = self._loop.time()
        self._connection.withdraw_items(call.id)
        self._fail(call, CallError(code, message))
        if call.task is not None:
            call.task.cancel()

    def _released(self, call_id: int) -> None:
        """The code of a call that was answered before has come to its end."""
        self._abandoned.pop(call_id, None)
        self._check_drained()

    def _settle(self, call: Call) -> None:
        call.settled = True
        del self._calls[call.id]
        if call.timer is not None:
            call.timer.cancel()
        if call.stream is not None:
            call.stream.end()
        self._upcalls.end(call)
        if self._draining:
            self._check_drained()
