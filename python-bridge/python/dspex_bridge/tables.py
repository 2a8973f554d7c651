"""Tables, as Arrow IPC streams. They need pyarrow, which is optional; whatever has Arrow's own interface of tables
(`pyarrow.Table`, `pandas.DataFrame`, `polars.DataFrame`, …) can be sent."""

import importlib.util
from typing import Any


class UnreadableTable(Exception):
    """What was sent as a table is none. That is a fault of who made it, not of the wire."""


def are_known() -> bool:
    """Whether tables can be received here. Nothing is imported for it."""
    return importlib.util.find_spec("pyarrow") is not None


def is_table(value: Any) -> bool:
    return hasattr(type(value), "__arrow_c_stream__")


def to_ipc(value: Any) -> memoryview:
    """The IPC stream of a table.

    Raises:
        ImportError: there is no pyarrow.
        ValueError, TypeError: it is no table after all.
    """
    import pyarrow

    table = pyarrow.table(value)
    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return memoryview(sink.getvalue())


def from_ipc(data: bytes | bytearray | memoryview) -> Any:
    """The `pyarrow.Table` of an IPC stream, which lies in the memory of `data`.

    Raises:
        UnreadableTable
        ValueError: there is no pyarrow, as the host was told.
    """
    try:
        import pyarrow
    except ImportError:
        raise ValueError("a table, for which there is no pyarrow here") from None
    try:
        return pyarrow.ipc.open_stream(pyarrow.py_buffer(data)).read_all()
    except Exception as error:
        raise UnreadableTable(f"a table is no Arrow IPC stream ({error})") from None
