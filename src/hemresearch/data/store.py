"""A folder of Parquet files beside a catalogue that says what they hold and what they hash to."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import DataError
from ..options import nearest, suggestion
from .dictionary import Description

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Store:
    """Data sets in one folder: `catalogue.json` and a Parquet file of each."""

    folder: Path

    @cached_property
    def entries(self) -> dict[str, dict[str, Any]]:
        """The catalogue as it is written, one entry for each name."""
        path = self.folder / "catalogue.json"
        if not path.is_file():
            raise _damaged("the list of data sets, catalogue.json, is missing", path)
        entries: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
        return entries

    @property
    def names(self) -> list[str]:
        """The names of the data sets, sorted."""
        return sorted(self.entries)

    def describe(self, name: str) -> Description:
        """What the catalogue says of one data set."""
        return Description.from_entry(name, self._entry(name))

    def read(self, name: str) -> pl.DataFrame:
        """One data set, refused unless its file is byte for byte the one in the catalogue."""
        import polars as pl

        entry = self._entry(name)
        frame = pl.read_parquet(io.BytesIO(self._verified(name, entry["sha256"])))
        levels = {c: d["levels"] for c, d in entry["columns"].items() if "levels" in d}
        return frame.with_columns(pl.col(c).cast(pl.Enum(order)) for c, order in levels.items())

    def _entry(self, name: str) -> dict[str, Any]:
        if isinstance(name, str) and name in self.entries:
            return self.entries[name]
        close = nearest(str(name), self.names, n=1)
        raise DataError(
            f"there is no data set {name!r}",
            argument="name",
            expected=f"a name in hem.data.catalogue() ({suggestion(str(name), self.names)})",
            remedy=f"name={close[0]!r}" if close else "hem.data.catalogue()",
        )

    def _verified(self, name: str, sha256: str) -> bytes:
        path = self.folder / f"{name}.parquet"
        if not path.is_file():
            raise _damaged(f"the file of the data set {name!r} is missing", path)
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != sha256:
            raise _damaged(f"the file of the data set {name!r} is not the one that was distributed", path)
        return content


def _damaged(found: str, path: Path) -> DataError:
    return DataError(
        found,
        argument="name",
        expected=f"{path.name} with the checksum in catalogue.json",
        remedy=f"`git checkout -- {path.parent.name}/{path.name}` in a clone, or "
        "`pip install --force-reinstall hemresearch`",
    )
