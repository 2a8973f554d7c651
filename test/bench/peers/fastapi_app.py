"""The peer: a FastAPI service as its documentation shows it, answering with what it was sent."""

from typing import Any

from fastapi import FastAPI

app = FastAPI()


@app.post("/echo")
async def echo(value: dict[str, Any]) -> dict[str, Any]:
    return value
