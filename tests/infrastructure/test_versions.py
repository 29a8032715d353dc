"""Versions and constraints, as Terraform reads them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.infrastructure.reading.versions import Version, parse_constraint, parse_version

relaxed = settings(deadline=None, max_examples=100)  # other tests may keep the machine busy

numbers = st.lists(st.integers(0, 30), min_size=1, max_size=3).map(tuple)


@pytest.mark.parametrize(
    ("constraint", "accepted", "refused"),
    [
        ("", "0.1 1.11.4", ""),
        ("1.11.4", "1.11.4", "1.11.5 1.11.3"),
        ("= 1.11", "1.11.0", "1.11.4"),
        ("!= 1.11.4", "1.11.3 1.11.5", "1.11.4"),
        (">= 1.5, < 2.0", "1.5 1.5.0 1.99.99", "1.4.9 2.0.0"),
        ("> 1.5,<=1.6", "1.5.1 1.6.0", "1.5 1.6.1"),
        ("~> 1.9", "1.9.0 1.10.3 1.99", "1.8.9 2.0.0"),
        ("~> 1.9.2", "1.9.2 1.9.10", "1.9.1 1.10.0"),
        ("~> 1", "1.0.0 1.2.3", "0.9 2.0"),
        (">= 1.5", "1.6.0", "1.6.0-rc1 1.5.0-beta"),
        ("1.6.0-rc1", "1.6.0-rc1", "1.6.0 1.6.0-rc2"),
        (">= 1.6.0-alpha", "1.6.0-alpha 1.6.0-rc1 1.6.0 1.7.0", "1.7.0-rc1 1.5.0"),
    ],
)
def test_a_constraint_accepts_what_terraform_accepts(
    constraint: str, accepted: str, refused: str
) -> None:
    """Operators, lists of them, the pessimistic one by its last number, and pre-releases by their own name only."""
    parsed = parse_constraint(constraint)
    assert all(parsed.accepts(parse_version(version)) for version in accepted.split())
    assert not any(parsed.accepts(parse_version(version)) for version in refused.split())


@pytest.mark.parametrize("text", ["latest", ">=", "1.x", "1.2.3.4", ">= 1.5 < 2", "=> 1.5", "1.5,"])
def test_what_is_no_constraint_is_refused_by_name(text: str) -> None:
    """The part that cannot be read stands in the message."""
    with pytest.raises(ValueError, match="is not a version"):
        parse_constraint(text)


@relaxed
@given(numbers, numbers)
def test_versions_are_ordered_number_by_number(
    one: tuple[int, ...], other: tuple[int, ...]
) -> None:
    """Missing numbers are zeros, and a pre-release stands before its release."""
    padded = [(*each, 0, 0)[:3] for each in (one, other)]
    keys = [Version(numbers=each).key for each in (one, other)]
    assert (keys[0] < keys[1]) == (padded[0] < padded[1])
    assert Version(numbers=one, prerelease="rc1").key < keys[0]


@relaxed
@given(numbers, st.sampled_from(["", "rc1", "alpha.2", "beta-x"]))
def test_a_version_reads_back_from_what_it_writes(parts: tuple[int, ...], prerelease: str) -> None:
    """Writing and parsing are inverse, with or without a leading v."""
    version = Version(numbers=parts, prerelease=prerelease)
    assert parse_version(str(version)) == parse_version(f"v{version}") == version
