"""What `doctor` found, as text and as JSON."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from orchestrator.reports.json import FORMAT
from orchestrator.stack.model import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is looked for.

    ``found`` says what is there and where; ``missing`` that something needed is not, and ``hint`` how to get
    it. What is merely nice to have is neither found nor missing.
    """

    what: str
    found: str = ""
    missing: bool = False
    hint: str = ""


def render_findings(findings: Sequence[Finding]) -> str:
    """Return findings as lines, hints below what is not there, ending in a newline."""
    return "\n".join(_lines(findings)) + "\n"


def findings_json(findings: Iterable[Finding]) -> dict[str, Json]:
    """Return findings in order."""
    return {
        "format": FORMAT,
        "findings": [
            {
                "what": finding.what,
                "found": finding.found,
                "missing": finding.missing,
                "hint": finding.hint,
            }
            for finding in findings
        ],
    }


def _lines(findings: Sequence[Finding]) -> Iterator[str]:
    width = max(len(finding.what) for finding in findings)
    for finding in findings:
        mark = "ok     " if finding.found else "MISSING" if finding.missing else "-      "
        yield f"{mark}  {finding.what.ljust(width)}  {finding.found or 'not found'}"
        if finding.hint and not finding.found:
            yield f"         {' ' * width}  {finding.hint}"
