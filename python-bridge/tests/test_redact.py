"""Secrets out of texts."""

import time

import pytest

from dspex_bridge.redact import Redactor, is_secret_name

redact = Redactor({"SERVICE_TOKEN": "canary-0123456789", "PIN_SECRET": "1234", "HOME": "/home/somebody"})


def test_g11_values_of_secret_variables_are_masked_wherever_they_stand():
    assert redact("got canary-0123456789 from /home/somebody") == "got [redacted] from /home/somebody"


def test_a_value_that_is_too_short_to_be_told_from_a_word_stays():
    assert redact("1234 orders") == "1234 orders"


def test_of_two_secrets_the_longer_one_is_masked_whole():
    both = Redactor({"A_TOKEN": "canary", "B_TOKEN": "canary-and-more"})
    assert both("canary-and-more, canary") == "[redacted], [redacted]"


@pytest.mark.parametrize(
    "text",
    [
        "Config(api_key='sk-canary01', model='m')",
        'headers: {"Authorization": "Bearer canary0123"}',
        "authorization: Basic canary0123",
        "OPENAI_API_KEY=sk-canary01",
        "password = canary01",
        "client_secret: canary01,",
        "refresh-token='canary01'",
        "https://user:canary01@host/path",
        "curl -H 'X: Bearer canary01'",
    ],
)
def test_g11_what_shows_itself_as_a_secret_is_masked(text):
    masked = redact(text)
    assert "canary" not in masked
    assert "[redacted]" in masked


@pytest.mark.parametrize(
    "text",
    [
        "unexpected token: identifier",
        "max_tokens=1000000",
        "http://localhost:8080/path@2",
        "the password is wrong",
        "a bearer of news",
        "KeyError: 'customer'",
    ],
)
def test_ordinary_texts_stay_as_they_are(text):
    assert redact(text) == text


@pytest.mark.parametrize("piece", ["a-", "api_key", "token=", "://a:", "bearer ", "secret_"])
def test_g4_no_text_takes_long(piece):
    begin = time.monotonic()
    redact(piece * (200_000 // len(piece)))
    assert time.monotonic() - begin < 1


def test_names_of_secrets_are_those_that_the_host_masks():
    assert all(map(is_secret_name, ["apiKey", "API_KEY", "x-api-key", "DB_PASSWORD", "TOKEN", "SECRET_2", "cookie"]))
    assert not any(map(is_secret_name, ["tokens", "HOME", "PASSWORDLESS", "keyboard", "monkey"]))
