"""Exceptions as they cross the wire (`docs/protocol.md`, Errors)."""

import traceback
from typing import Any

from .codec import Unserializable, to_wire, well_formed
from .frames import FrameTooLarge
from .redact import MASK, is_secret_name, redact

MAX_MESSAGE_CHARS = 64 * 1024
MAX_TRACEBACK_CHARS = 16 * 1024
MAX_TRACEBACK_FRAMES = 50
MAX_CAUSES = 8

# What DSPy's errors know about a failed LM request, by the name it has on the wire.
_DETAILS = {
    "code": "code",
    "model": "model",
    "provider": "provider",
    "providerCode": "provider_code",
    "status": "status",
    "requestId": "request_id",
}


class CallError(Exception):
    """A call that the worker itself refuses or ends, with one of the codes of the protocol."""

    def __init__(self, code: str, message: str, **details: Any) -> None:
        super().__init__(message)
        self.code = code
        self.details = details


class HostError(Exception):
    """The host answered a question with an error: `code` is the host's, `details` what it says about it."""

    def __init__(self, error: Any) -> None:
        fields = error if isinstance(error, dict) else {}
        self.code = str(fields.get("code", ""))
        self.message = str(fields.get("message", ""))
        self.retryable = fields.get("retryable") is True
        details = fields.get("details")
        self.details: dict[str, Any] = details if isinstance(details, dict) else {}
        super().__init__(self.message)


def too_large(what: str, error: FrameTooLarge) -> CallError:
    """`what` a call sends does not fit into a frame of the host's."""
    return CallError(
        "result_too_large", f"{what} cannot be sent: {error}", bytes=error.size, limitBytes=error.limit
    )


def wire_error(error: BaseException) -> dict[str, Any]:
    """The map of an ERROR frame: codes are those of the protocol, `type` is the Python class. Secrets are masked.

    Never raises: an exception is an object of the user's, and whatever is asked of it may fail.
    """
    try:
        return _wire_error(error, MAX_CAUSES)
    except BaseException as failure:
        return {
            "code": _code(error),
            "type": f"{type(error).__module__}.{type(error).__qualname__}",
            "message": f"what was raised cannot be read: {type(failure).__qualname__}",
            "traceback": "",
            "retryable": False,
            "details": {},
            "cause": None,
        }


def _wire_error(error: BaseException, causes: int) -> dict[str, Any]:
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return {
        "code": _code(error),
        "type": f"{type(error).__module__}.{type(error).__qualname__}",
        "message": _told(text_of(error), MAX_MESSAGE_CHARS),
        "traceback": _told(_traceback(error), MAX_TRACEBACK_CHARS),
        "retryable": is_retryable(error),
        "details": _details(error),
        "cause": None if cause is None or causes == 0 else _wire_error(cause, causes - 1),
    }


def smallest(error: dict[str, Any]) -> dict[str, Any]:
    """The same error in less than 900 bytes, for a host whose frames are too small for the whole."""
    brief = {"type": error["type"][:100], "message": error["message"][:100]}
    return {**error, **brief, "traceback": "", "details": {}, "cause": None}


def bounded(text: str, limit: int) -> str:
    """`text`, well formed, and cut in the middle when it is longer than `limit` characters."""
    if len(text) > limit:
        head = limit * 2 // 3
        text = f"{text[:head]}\n… the middle is left out …\n{text[head - limit :]}"
    return well_formed(text)


def _told(text: str, limit: int) -> str:
    """`text` without secrets, and bounded. Bounded before, too, because the search takes its time; what that cuts in two falls
    to the second cut."""
    return bounded(redact(bounded(text, 2 * limit)), limit)


def is_retryable(error: BaseException) -> bool:
    """Whether the same call may succeed when it is made again, as DSPy classifies LM errors."""
    if isinstance(error, CallError):
        return error.code in ("draining", "overloaded")
    if isinstance(error, HostError):
        return error.retryable
    import dspy

    return isinstance(error, Exception) and dspy.is_retryable_lm_error(error)


def _code(error: BaseException) -> str:
    if isinstance(error, CallError):
        return error.code
    return "unserializable_result" if isinstance(error, Unserializable) else "exception"


def text_of(error: BaseException) -> str:
    """What an exception says, whatever its `__str__` does."""
    try:
        return str(error)
    except BaseException:  # a broken __str__ must not hide the error
        return f"{type(error).__qualname__} whose text cannot be made"


def _traceback(error: BaseException) -> str:
    if isinstance(error, (CallError, Unserializable)):
        return ""
    frames = traceback.format_exception(
        type(error), error, error.__traceback__, limit=-MAX_TRACEBACK_FRAMES, chain=False
    )
    return "".join(frames)


def _details(error: BaseException) -> dict[str, Any]:
    if isinstance(error, CallError):
        return _without_secrets(to_wire(error.details))
    if isinstance(error, Unserializable):
        return {"path": error.path}
    if isinstance(error, HostError):
        return {"providerCode": error.code}
    import dspy

    if not isinstance(error, dspy.DSPyError):
        return {}
    details = {name: getattr(error, attribute, None) for name, attribute in _DETAILS.items()}
    if error.retry_after is not None:
        details["retryAfterMs"] = error.retry_after * 1000
    return _without_secrets({name: value for name, value in details.items() if isinstance(value, (str, int, float))})


def _without_secrets(details: dict[str, Any]) -> dict[str, Any]:
    """Details are flat: a text is masked by its name, or by what it says."""
    return {
        name: MASK if is_secret_name(name) else redact(value) if isinstance(value, str) else value
        for name, value in details.items()
    }
