"""Which benchmarks ``make bench`` runs."""

from benchmarks.__main__ import MODULES
from benchmarks.running import ROOT


def test_each_module_with_rows_is_run() -> None:
    """One that is in no list measures nothing, and nobody misses it."""
    texts = {file.stem: file.read_text() for file in (ROOT / "benchmarks").glob("*.py")}
    assert {name for name, text in texts.items() if "\ndef rows(" in text} == {*MODULES}
