"""The floor: length-prefixed MessagePack on a pair of pipes, a task for each request, one write per turn of the loop."""

import asyncio
import os
import sys
from typing import Any

import msgspec

decode = msgspec.msgpack.Decoder().decode
encode = msgspec.msgpack.Encoder().encode


async def echo(value: Any) -> Any:
    return value


async def main() -> None:
    loop = asyncio.get_running_loop()
    unfinished = b""
    outgoing = bytearray()
    running: set[asyncio.Task[None]] = set()

    async def answer(identity: int, value: Any) -> None:
        body = encode([identity, await echo(value)])
        if not outgoing:
            loop.call_soon(flush)
        outgoing.extend(len(body).to_bytes(4))
        outgoing.extend(body)

    def flush() -> None:
        data = bytes(outgoing)
        outgoing.clear()
        while data:
            data = data[os.write(1, data) :]

    def on_readable() -> None:
        nonlocal unfinished
        chunk = os.read(0, 256 * 1024)
        if not chunk:
            sys.exit()
        data = unfinished + chunk
        view = memoryview(data)
        at = 0
        while len(data) - at >= 4:
            end = at + 4 + int.from_bytes(view[at : at + 4])
            if end > len(data):
                break
            task = loop.create_task(answer(*decode(view[at + 4 : end])))
            running.add(task)
            task.add_done_callback(running.discard)
            at = end
        unfinished = data[at:]

    loop.add_reader(0, on_readable)
    await asyncio.Event().wait()


asyncio.run(main())
