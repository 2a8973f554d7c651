"""Secrets out of what a worker says of itself: errors and logs (G11). Values that calls return are the user's own."""

import os
import re
from collections.abc import Mapping

MASK = "[redacted]"

MIN_SECRET_CHARS = 6
"""Shorter values would mask ordinary words."""

_NAME = r"(?:api[-_]?key|authorization|password|passwd|secret|token|credentials?|cookie)"
# Names that say that their value is a secret; the same as in the host's own redactor.
_secret_name = re.compile(rf"(?:.*[-_.])?{_NAME}(?:[-_.].*)?", re.IGNORECASE)

# What a text shows of a secret that nobody has told us: a field of an object that was printed, a header, a URL's password. A bare
# `token:` is no such field, because parsers say it of what they read. Every repetition is bounded: the time is linear.
_shown = re.compile(
    r"""(
        (?: api[-_]?key | authorization | password | passwd | secret | [-_]token(?!s) | cookie ) [\w.-]{0,40} ["']?
        \s{0,3} [:=] \s{0,3} ["']? (?:bearer|basic)? \s{0,3}
    |   \b bearer \s{1,3}
    ) [^\s"',;)}\]]{6,}
    | (://[^\s/:@]{0,100}:) [^\s/@]{1,200} (?=@)""",
    re.IGNORECASE | re.VERBOSE,
)

# One of these is in whatever matches: most texts have none, and are spared the search, which is fifty times slower.
_HINTS = ("api", "auth", "passw", "secret", "token", "cookie", "bearer", "://")


class Redactor:
    """Masks the secrets of an environment, and what looks like one, in texts."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        secrets = {
            value for name, value in environment.items() if is_secret_name(name) and len(value) >= MIN_SECRET_CHARS
        }
        # The longest first: a secret may be the beginning of another one.
        ordered = sorted(secrets, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def __call__(self, text: str) -> str:
        """`text` without secrets."""
        if self._known is not None:
            text = self._known.sub(MASK, text)
        lowered = text.lower()
        return _shown.sub(_mask_shown, text) if any(hint in lowered for hint in _HINTS) else text


def _mask_shown(found: re.Match[str]) -> str:
    return f"{found[1] or found[2]}{MASK}"


def is_secret_name(name: str) -> bool:
    """Whether a field of this name holds a secret."""
    return _secret_name.fullmatch(name) is not None


redact = Redactor(os.environ)
"""For this process. The environment is read once: what user code puts into it later is not known here."""
