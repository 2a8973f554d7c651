"""A gRPC service with one unary method, on asyncio."""

import asyncio
import sys
from typing import Any

import grpc
import msgspec
import uvloop


async def echo(value: Any, _context: grpc.aio.ServicerContext) -> Any:
    return value


async def main() -> None:
    method = grpc.unary_unary_rpc_method_handler(
        echo,
        request_deserializer=msgspec.msgpack.Decoder().decode,
        response_serializer=msgspec.msgpack.Encoder().encode,
    )
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("bench.Echo", {"Echo": method}),))
    server.add_insecure_port(sys.argv[1])
    await server.start()
    await asyncio.Event().wait()


uvloop.run(main())
