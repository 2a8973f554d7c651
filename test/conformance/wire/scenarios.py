"""Talks to a real worker through every kind of frame.

    python scenarios.py <the worker's command …>

Prints one line of JSON: the scenarios that held, the names of all frames that came and went, and what failed.
"""

import json
import struct
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from host import KIND, Binary, Host, Lines
from messagepack import Extension

HERE = str(Path(__file__).parent)
EVERYTHING = ["chunks", "datetime", "bigint", "ndarray"]
PROGRAM = {
    "module": "Predict",
    "signature": {
        "instructions": "Answer.",
        "inputs": [{"name": "question", "type": {"kind": "str"}, "desc": None}],
        "outputs": [{"name": "answer", "type": {"kind": "str"}, "desc": None}],
    },
}


def moment(microseconds: int) -> Extension:
    return Extension(32, struct.pack(">q", microseconds))


def float32(*numbers: float) -> Extension:
    return Extension(34, struct.pack(">HBBI", 0, 10, 1, len(numbers)) + struct.pack(f"<{len(numbers)}f", *numbers))


def reply(text: str) -> dict[str, Any]:
    """An answer in the form that DSPy asks its models for."""
    return {
        "model": "third-half",
        "message": {"role": "assistant", "parts": [{"type": "text", "text": text}]},
        "finish_reason": "stop",
        "usage": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
    }


def greets(host: Host) -> None:
    ready = host.ready
    assert ready["protocol"] == 1 and ready["pid"] == host.process.pid
    assert ready["codec"] == ("msgpack" if isinstance(host.wire, Binary) else "json-lines")
    assert set(EVERYTHING) <= set(ready["capabilities"])


def carries_plain_values(host: Host) -> None:
    values = [None, True, 0, -1, 2**53, -(2**63), 2**64 - 1, 0.5, -0.0, "naïve 答え", b"\0\xff", [[]], {"a": {"b": 1}}]
    assert host.result(host.call("echo", *values)) == values
    # Nothing was announced: a moment goes as text, and large bytes within the value.
    assert host.result(host.call("echo", moment(0))) == ["1970-01-01T00:00:00+00:00"]
    assert host.result(host.call("echo", bytes(400_000))) == [bytes(400_000)]


def carries_extensions(host: Host) -> None:
    values = [moment(1), Extension(33, (2**70).to_bytes(9, "big")), float32(0.5, -2)]
    datetime, integer, array = host.result(host.call("kinds_of", *values))
    assert (datetime, integer) == ("datetime", "int") and array in ("memoryview", "ndarray")
    assert host.result(host.call("echo", *values)) == values


def tells_what_code_raises(host: Host) -> None:
    id = host.call("fail", "no")
    answered, error, info = host.receive("ERROR")
    assert (answered, error["code"], error["type"], error["message"]) == (id, "exception", "builtins.ValueError", "no")
    assert error["cause"]["type"] == "builtins.KeyError" and "fail" in error["traceback"] and info["lmCalls"] == 0
    host.call("nowhere")
    assert host.receive("ERROR")[1]["code"] == "invalid_target"


def runs_a_program(host: Host) -> None:
    id = host.next_id()
    call = [id, {"program": "hash"}, {"question": "Why?"}, None, {"lm": {"name": "default", "config": {}}}]
    host.send("CALL", call)
    assert host.receive("ERROR")[1]["code"] == "unknown_spec"
    host.send("PUT", ["hash", PROGRAM])
    call[0] = id = host.next_id()
    host.send("CALL", call)
    upcall, asked, kind, payload = host.receive("UPCALL")
    assert (asked, kind, payload["endpoint"]) == (id, "lm", "default")
    assert "Why?" in json.dumps(payload["request"]["messages"])
    host.send("UPRESULT", [upcall, True, reply("[[ ## answer ## ]]\nBecause.\n\n[[ ## completed ## ]]")])
    answered, value, info = host.receive("RESULT")
    assert (answered, value, info["lmCalls"]) == (id, {"answer": "Because."}, 1)
    assert info["usage"] == {"inputTokens": 1, "outputTokens": 2}
    call[0] = id = host.next_id()
    host.send("CALL", call)
    upcall = host.receive("UPCALL")[0]
    error = {"code": "ERR_LM_RATE_LIMIT", "message": "slow down", "details": {"lm": "LMRateLimitError"}}
    host.send("UPRESULT", [upcall, False, error])
    assert host.receive("ERROR")[1]["details"]["providerCode"] == "ERR_LM_RATE_LIMIT"


def streams_a_programs_fields(host: Host) -> None:
    host.send("PUT", ["hash", PROGRAM])
    id = host.next_id()
    context = {"lm": {"name": "default", "config": {}}, "stream": {"credits": 1000}}
    host.send("CALL", [id, {"program": "hash"}, {"question": "Why?"}, None, context])
    upcall, _, _, payload = host.receive("UPCALL")
    left = payload["stream"]["credits"]
    words = ["[[ ## answer ## ]]\n", *[f"word{n} " for n in range(100)], "\n\n[[ ## completed ## ]]"]
    pieces = [
        {"type": "start", "model": "third-half"},
        *[{"type": "delta", "delta": {"type": "text", "text": word, "part_index": 0}} for word in words],
        {"type": "end", "finish_reason": "stop", "usage": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}},
    ]
    said = ""
    for piece in pieces:
        while left == 0:  # until the worker takes more
            name, value = host.message()
            if name == "CREDIT":
                assert value[0] == upcall
                left += value[1]
            else:
                said += value[1]["delta"]
        host.send("STREAM", [upcall, piece])
        left -= 1
    host.send("UPRESULT", [upcall, True, None])
    while (message := host.message())[0] in ("STREAM", "CREDIT"):
        said += message[1][1]["delta"] if message[0] == "STREAM" else ""
    assert message[0] == "RESULT" and said.strip() == message[1][1]["answer"].strip()
    assert said.startswith("word0 word1")


def streams_what_a_function_yields(host: Host) -> None:
    id = host.call("count", 10, context={"stream": {"credits": 3}})
    assert [host.receive("STREAM") for _ in range(3)] == [[id, n] for n in range(3)]
    host.send("PING", [host.next_id(), time.monotonic() * 1000])
    host.receive("PONG")  # and no further item
    host.send("CREDIT", [id, 7])
    assert [host.receive("STREAM") for _ in range(7)] == [[id, n] for n in range(3, 10)]
    assert host.result(id) is None


def cancels(host: Host) -> None:
    id = host.call("sleep", 60)
    host.send("CANCEL", [id])
    answered, error, _ = host.receive("ERROR")
    assert (answered, error["code"]) == (id, "cancelled")
    host.send("PUT", ["hash", PROGRAM])
    id = host.next_id()
    lm = {"lm": {"name": "default", "config": {}}}
    host.send("CALL", [id, {"program": "hash"}, {"question": "Why?"}, None, lm])
    upcall = host.receive("UPCALL")[0]
    host.send("CANCEL", [id])
    messages = dict([host.message(), host.message()])
    assert messages["ERROR"][0] == id and messages["UPCANCEL"] == [upcall]
    late = host.call("sleep", 60, deadline=time.monotonic() * 1000 + 50)
    assert host.receive("ERROR")[:1] == [late]


def says_how_it_is(host: Host) -> None:
    id = host.call("sleep", 60)
    n = host.next_id()
    host.send("PING", [n, time.monotonic() * 1000])
    answered, state = host.receive("PONG")
    assert answered == n and state["inFlight"] == [id] and state["abandoned"] >= 0
    assert state["rssBytes"] > 1_000_000 and state["lagMs"] >= 0
    host.send("CANCEL", [id])
    assert host.receive("ERROR")[0] == id
    host.result(host.call("speak", "heard"))
    for expected in (["stdout", "info", "heard"], ["stderr", "warn", "heard"]):
        while expected not in host.logs:
            host.result(host.call("echo"))


def sends_and_takes_large_messages(host: Host) -> None:
    numbers = struct.pack("<50000f", *range(50_000))
    head = struct.pack(">HBBI", 1, 10, 1, 50_000)
    value = [id := host.next_id(), {"function": "functions:echo"}, [Extension(34, head), Extension(35, b"\0\2")], None, {}]
    host.send_in_chunks("CALL", value, [numbers, bytes(70_000)], 30_000)
    array, data = host.result(id)
    assert data == bytes(70_000)
    assert array == Extension(34, b"\0\0" + head[2:] + numbers)
    assert {"BEGIN", "CHUNK"} <= set(host.frames)
    # What is dropped never was.
    host.send("BEGIN", [7, KIND["CALL"], [1000]])
    host.send("CHUNK", [7, bytes(500)])
    host.send("DROP", [7])
    assert host.result(host.call("echo", 1)) == [1]
    # An item that is on its way when its call is cancelled is dropped, and the answer comes at once.
    stream = host.call("large_items", 8_000_000, 5, context={"stream": {"credits": 5}})
    while "BEGIN" not in host.frames[-1:]:
        host.frames.append(host.wire.read(host.process.stdout)[0])
    host.send("CANCEL", [stream])
    while (frame := host.wire.read(host.process.stdout))[0] in ("CHUNK", "BEGIN"):
        pass
    assert frame[0] == "DROP"
    host.frames.append("DROP")
    assert host.receive("ERROR")[1]["code"] == "cancelled"


def passes_over_what_it_does_not_know(host: Host) -> None:
    host.send(200 if isinstance(host.wire, Binary) else "FUTURE", [1, 2])
    host.send("CANCEL", [99, "one element more"])
    assert host.result(host.call("echo", 1)) == [1]


def drains(host: Host) -> None:
    id = host.call("sleep", 60)
    host.send("DRAIN", [])
    host.call("echo", 1)
    assert host.receive("ERROR")[1]["code"] == "draining"
    host.send("CANCEL", [id])
    assert host.receive("ERROR")[0] == id
    assert host.receive("BYE") == []
    assert host.message()[0] == "END" and host.status() == 0


def ends_at_a_violation(host: Host) -> None:
    host.send("CANCEL", [0])
    while host.message()[0] != "END":
        pass
    assert host.status() == 76
    assert b"broke the protocol" in host.process.stderr.read()


def ends_with_its_input(host: Host) -> None:
    host.process.stdin.close()
    assert host.status() == 0


Scenario = Callable[[Host], None]

# What a host of a few abilities, and one of all, find out, each with one worker.
WITH_NOTHING: list[Scenario] = [greets, carries_plain_values, passes_over_what_it_does_not_know, ends_with_its_input]
WITH_EVERYTHING: list[Scenario] = [
    greets,
    carries_extensions,
    tells_what_code_raises,
    runs_a_program,
    streams_a_programs_fields,
    streams_what_a_function_yields,
    cancels,
    says_how_it_is,
    sends_and_takes_large_messages,
    drains,
]


def main(command: list[str]) -> None:
    held, failed, frames = [], [], set()
    for capabilities, scenarios in (([], WITH_NOTHING), (EVERYTHING, WITH_EVERYTHING), ([], [ends_at_a_violation])):
        for wire in (Binary(), Lines()):
            host = Host(command, wire)
            host.hello([HERE], capabilities=capabilities, future={"a": 1})
            for scenario in scenarios:
                name = f"{scenario.__name__} ({type(wire).__name__.lower()})"
                try:
                    scenario(host)
                except Exception:
                    failed.append(f"{name}: {traceback.format_exc()}")
                    break
                held.append(name)
            host.process.kill()
            frames |= {*host.frames, *host.sent} & set(KIND)
    print(json.dumps({"held": held, "failed": failed, "frames": sorted(frames)}))


if __name__ == "__main__":
    main(sys.argv[1:])
