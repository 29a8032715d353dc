from __future__ import annotations

from benchmarks.profiling import thinned


def test_of_a_thousand_lines_those_beside_a_pause_are_shown() -> None:
    """Where the time went shows at the pauses; what comes in one go between them is counted."""
    lines = [(number / 1000, f"created {number}") for number in range(500)]
    lines += [(5 + number / 1000, f"healthy {number}") for number in range(500)]

    texts = [text for _, text in thinned(lines)]

    assert texts == [
        "created 0",
        "created 1",
        "… 496 lines more",
        "created 498",
        "created 499",
        "healthy 0",
        "healthy 1",
        "… 496 lines more",
        "healthy 498",
        "healthy 499",
    ]


def test_few_lines_are_all_shown() -> None:
    """A plan that says little is shown as it was said."""
    lines = [(0.1, "plan:"), (0.5, "done")]

    assert thinned(lines) == lines
