"""Write every data set of the project as CSV, with the levels of its factors, for the R scripts here.

python tests/reference/R/write_csv.py FOLDER
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from hemresearch.data.store import Store

ROOT = Path(__file__).parents[3]


def write(folder: Path) -> None:
    """One CSV for each data set and `levels.json`; an empty field is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    levels: dict[str, dict[str, list[str]]] = {}
    for store in (Store(ROOT / "data"), Store(ROOT / "tests" / "data")):
        for name in store.names:
            store.read(name).write_csv(folder / f"{name}.csv")
            columns = store.entries[name]["columns"]
            levels[name] = {c: facts["levels"] for c, facts in columns.items() if "levels" in facts}
    (folder / "levels.json").write_text(json.dumps({k: v for k, v in levels.items() if v}, indent=1))


if __name__ == "__main__":
    write(Path(sys.argv[1]))
