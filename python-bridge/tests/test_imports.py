"""The quick import of DSPy."""

import gc
import inspect

import pytest

from dspex_bridge.imports import quick_imports


@pytest.fixture(autouse=True)
def collected():
    yield
    gc.enable()


def test_a_stack_says_of_its_nearest_frames_what_the_whole_one_says():
    def look():
        return [
            [(frame.filename, frame.lineno, frame.function, frame.code_context, frame.index) for frame in stack()[:2]]
            for stack in (inspect.stack, whole)
        ]

    whole = inspect.stack
    with quick_imports():
        assert inspect.stack is not whole
        quick, expected = look()
    assert quick == expected
    assert inspect.stack is whole


def test_the_stack_is_put_back_when_the_import_fails():
    whole = inspect.stack
    with pytest.raises(ImportError), quick_imports():
        import no_such_module  # noqa: F401
    assert inspect.stack is whole
