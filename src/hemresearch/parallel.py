"""Many like tasks, several at a time, on whatever backend joblib has been given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")


def each(
    task: Callable[..., T], items: Sequence[Any], *, n_jobs: int, name: str, progress: bool | None = None
) -> list[T]:
    """The results of a task for every item, in their order.

    It runs on joblib: in processes unless `joblib.parallel_config(backend=...)` says otherwise (threads, or
    Dask). A bar shows how far it is where `progress` is True, by default in a terminal only, so that nothing
    of it stands in the outputs of a notebook.
    """
    from joblib import Parallel, delayed  # type: ignore[import-untyped]

    results = Parallel(n_jobs=n_jobs, return_as="generator")(delayed(task)(item) for item in items)
    return list(_shown(results, len(items), name, progress))


def _shown(results: Any, total: int, name: str, progress: bool | None) -> Any:
    """The results with a bar beside them, where tqdm is installed and it is wanted."""
    try:
        from tqdm import tqdm
    except ImportError:
        return results
    disable = None if progress is None else not progress  # None: off unless it is a terminal
    return tqdm(results, total=total, desc=name, leave=False, disable=disable)
