"""Memory that is used again."""

from dspex_bridge.memory import KEPT_BYTES, Memory

SIZE = 2 * 1024 * 1024


def address(view: memoryview) -> int:
    return id(view.obj)


def test_memory_that_nobody_holds_is_used_again_and_any_other_is_not():
    memory = Memory()
    first = memory.take(SIZE)
    second = memory.take(SIZE)
    used = address(first)
    assert address(second) != used
    part = first[10:20]
    del first
    third = memory.take(SIZE)
    assert address(third) != used  # a part of it is held
    del part
    fourth = memory.take(SIZE - 1000)
    assert address(fourth) == used
    assert len(fourth) == SIZE - 1000


def test_memory_that_is_much_larger_is_not_given_for_less():
    memory = Memory()
    large = memory.take(SIZE * 10)
    used = large.obj
    del large
    assert memory.take(SIZE).obj is not used
    assert memory.take(SIZE * 6).obj is not used  # the test holds it
    del used
    assert len(memory.take(SIZE * 6)) == SIZE * 6


def test_g4_no_more_is_kept_than_is_said():
    memory = Memory()
    for size in range(SIZE, 40 * SIZE, SIZE // 2):
        assert len(memory.take(size)) == size
        assert sum(map(len, memory._kept)) <= KEPT_BYTES
