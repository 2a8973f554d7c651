"""An aiohttp service as its documentation shows it, on uvloop."""

import sys

import uvloop
from aiohttp import web


async def echo(request: web.Request) -> web.Response:
    return web.json_response(await request.json())


app = web.Application()
app.add_routes([web.post("/echo", echo)])
web.run_app(
    app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None, loop=uvloop.new_event_loop()
)
