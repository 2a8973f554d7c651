"""A ZeroMQ router on asyncio."""

import asyncio
import sys

import msgspec
import uvloop
import zmq
import zmq.asyncio

decode = msgspec.msgpack.Decoder().decode
encode = msgspec.msgpack.Encoder().encode


async def main() -> None:
    socket = zmq.asyncio.Context().socket(zmq.ROUTER)
    socket.bind(sys.argv[1])
    while True:
        sender, message = await socket.recv_multipart()
        await socket.send_multipart([sender, encode(decode(message))])


uvloop.run(main())
