"""What the README says of speed stands in the results of the benchmark."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
RESULTS = (ROOT / "benches" / "RESULTS.md").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")


def wall_seconds(contender: str) -> str:
    """The median of a whole program's runs, as the table has it."""
    found = re.search(rf"^\| `{re.escape(contender)}` \| (\d+\.\d+) ", RESULTS, re.MULTILINE)
    assert found is not None
    return found[1]


def test_the_readme_quotes_the_results() -> None:
    measured = re.search(r"^(\d+) modules, .* files of (\d+ MB)\.", RESULTS, re.MULTILINE)
    assert measured is not None
    [row] = [line for line in README.splitlines() if "benches/RESULTS.md" in line and line.startswith("|")]
    assert row.startswith(f"| takes for {measured[1]} modules ({measured[2]} extracted) on two cores, warm ")
    cells = [cell.strip() for cell in row.split("|")]
    assert cells[2] == f"{wall_seconds('go mod verify')} s"
    assert cells[3].startswith(f"{wall_seconds('fastverify check')} s (")
