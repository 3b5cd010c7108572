"""Compilation of kernels, kept on disk for the next process where there is a folder to keep it in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

import numba

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")


def kernel(function: F) -> F:
    """Compile `function` at its first call.

    The machine code is kept in NUMBA_CACHE_DIR, beside the package or in the user's cache folder. A
    read-only installation of a user without a home has none of these; there it is compiled in every process.
    """
    return _compiled(function)


def threaded(function: F) -> F:
    """The same for a kernel that several threads run at once, each on its own part."""
    return _compiled(function, nogil=True)


def fused(function: F) -> F:
    """The same where a product and a sum may be one rounding, which takes half the time."""
    return _compiled(function, fastmath={"contract"})


def unordered(function: F) -> F:
    """The same where sums may be taken in any order, so that several terms are added at a time.

    Several threads may run it at once, each on its own part. A division by zero gives infinity, as in numpy:
    to look for it would be a branch for each.
    """
    return _compiled(function, fastmath={"contract", "reassoc", "nsz"}, error_model="numpy", nogil=True)


def _compiled(function: F, **options: Any) -> F:
    njit: Any = numba.njit
    try:
        compiled = njit(cache=True, **options)(function)
    except RuntimeError:  # numba found no folder that can be written
        compiled = njit(function, **options)
    return cast("F", compiled)


def inlined(function: F) -> F:
    """A piece of several kernels, written into each of them: a call in an inner loop would cost too much."""
    return cast("F", numba.njit(inline="always")(function))
