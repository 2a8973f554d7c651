"""Workers for the tests of several files; each file has its own."""

import pytest
from host import Worker, answering


@pytest.fixture(scope="module")
def shared():
    """One worker for the tests that leave nothing behind in it."""
    with Worker(lm=answering) as worker:
        yield worker


@pytest.fixture(scope="module")
def manual_worker():
    with Worker() as worker:
        yield worker


@pytest.fixture
def manual(manual_worker):
    """A worker whose LM requests wait for the test."""
    manual_worker.call("user_code:reset")
    manual_worker.logs.clear()
    return manual_worker


@pytest.fixture(scope="module")
def single_worker():
    with Worker(threads=1) as worker:
        yield worker


@pytest.fixture
def single(single_worker):
    """The same, with one thread."""
    single_worker.call("user_code:reset")
    return single_worker


@pytest.fixture
def fresh():
    """A worker of the test's own, to end."""
    with Worker() as worker:
        yield worker
