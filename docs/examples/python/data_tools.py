"""Tables and arrays, as a data team writes them, without a word of DSPex."""

import numpy as np
import pyarrow as pa


def revenue(orders: pa.Table, customers: pa.Table) -> pa.Table:
    """What each segment of customers has ordered: how often, for how much, and the median order; the largest first."""
    by_segment = orders.join(customers, keys="customer").group_by("segment")
    totals = by_segment.aggregate([("amount", "count"), ("amount", "sum"), ("amount", "approximate_median")])
    names = {"amount_count": "orders", "amount_sum": "revenue", "amount_approximate_median": "median"}
    return totals.rename_columns(names).sort_by([("revenue", "descending")])


def nearest(queries: np.ndarray, embeddings: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The rows of the `k` embeddings that are most similar to each query, and their cosine similarities."""
    similarities = _unit(queries) @ _unit(embeddings).T
    rows = np.argsort(-similarities, axis=1)[:, :k]
    return rows.astype(np.int32), np.take_along_axis(similarities, rows, axis=1)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
