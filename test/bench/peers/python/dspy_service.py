"""What both DSPy services are: programs behind FastAPI."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import dspy
from fastapi import FastAPI


def service(programs: Mapping[str, Callable[..., Awaitable[dspy.Prediction]]]) -> FastAPI:
    """Serves `POST /predict/{name}`."""
    app = FastAPI()

    @app.post("/echo")
    async def echo(value: dict[str, Any]) -> dict[str, Any]:
        return value

    @app.post("/predict/{name}")
    async def predict(name: str, inputs: dict[str, str]) -> dict[str, Any]:
        result = await programs[name](**inputs)
        return result.toDict()

    return app
