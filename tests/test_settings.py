"""What is read of the environment."""

from collections.abc import Mapping

import pytest

from orchestrator.settings import Settings

_GITHUB = {
    "GITHUB_RUN_ID": "4711",
    "GITHUB_SERVER_URL": "https://github.example",
    "GITHUB_REPOSITORY": "acme/shop",
}


@pytest.mark.parametrize(
    ("variables", "address"),
    [
        ({}, ""),
        (_GITHUB, "https://github.example/acme/shop/actions/runs/4711"),
        ({"CI_JOB_URL": "https://gitlab.example/-/jobs/7"}, "https://gitlab.example/-/jobs/7"),
        ({"BUILD_URL": "https://jenkins.example/7"}, "https://jenkins.example/7"),
        (
            {
                "BUILD_URL": "https://jenkins.example/7",
                "ORCHESTRATOR_RUN_URL": "https://ci.example/7",
            },
            "https://ci.example/7",
        ),
    ],
    ids=["none", "GitHub", "GitLab", "Jenkins", "any other"],
)
def test_the_address_of_the_ci_run_is_that_of_its_system(
    monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str], address: str
) -> None:
    """What a person says themselves goes before what another system than GitHub says."""
    for name in (*_GITHUB, "CI_JOB_URL", "BUILD_URL", "ORCHESTRATOR_RUN_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert Settings.read().ci_run == address
