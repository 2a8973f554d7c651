"""The peer: a FastAPI service as its documentation shows it, answering with what it was sent."""

import json
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI
from fastapi.responses import StreamingResponse

app = FastAPI()


@app.post("/echo")
async def echo(value: dict[str, Any]) -> dict[str, Any]:
    return value


@app.get("/deltas/{count}")
async def deltas(count: int) -> StreamingResponse:
    async def events() -> AsyncIterator[str]:
        for index in range(count):
            yield f"data: {json.dumps({'field': 'answer', 'delta': f'token {index} '})}\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")
