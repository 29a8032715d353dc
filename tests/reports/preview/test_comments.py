"""The comments of many requests, each as a golden file.

Write them anew with ``ORCHESTRATOR_WRITE_MESSAGES=1 pytest tests/reports/preview`` and look at ``git diff``.
"""

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.errors import RepositoryError
from orchestrator.plans.change import Action, Risk
from orchestrator.plans.redaction import Secrets
from orchestrator.plans.values import ABSENT, masked
from orchestrator.reports.preview.comment import comment
from orchestrator.reports.preview.memory import marker, recall, worth
from orchestrator.reports.preview.page import page
from tests.plans.builders import change, field_change, unit_plan
from tests.reports.preview.building import HEAD, of, preview, resource
from tests.reports.preview.reading import code_of, problems
from tests.reports.preview.samples import SAMPLES

_GOLDEN = Path(__file__).with_name("golden")
_WRITE = "ORCHESTRATOR_WRITE_MESSAGES" in os.environ
_LIMITS = {
    "a huge plan": 8_000,
    "many stacks": 8_000,
    "a long error": 6_000,
    "megabytes in a line": 6_000,
}
_GITHUB = 65_536


@pytest.mark.parametrize("name", SAMPLES)
def test_comments_read_as_they_were_reviewed(name: str) -> None:
    """Each comment is the golden one, and is read by a parser of Markdown as it is meant."""
    limit = _LIMITS.get(name, _GITHUB)
    text = comment(SAMPLES[name](), limit=limit)
    golden = _GOLDEN / f"{name}.md"
    if _WRITE:
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text)

    assert text == golden.read_text()
    assert problems(text, limit) == []


def test_what_goes_first_when_there_is_no_room() -> None:
    """Creations are left out before updates, those before replacements; the headline and losses stay."""
    made = SAMPLES["a huge plan"]()
    texts = [comment(made, limit=limit) for limit in (80_000, 18_000, 10_000, 4_000)]

    created, updated, replaced = (
        [text.count(sign) for text in texts]
        for sign in ("\n+ ConfigMap", "\n! Deployment", "\n-/+ aws_db_instance")
    )
    assert created == [400, sorted(created)[2], 0, 0]
    assert 0 < created[1] < 400
    assert updated[:3] == [200, 200, 200]
    assert 0 < updated[3] < 200
    assert replaced == [1, 1, 1, 1]
    assert all("! 1 loses data: aws_db_instance.shop" in text for text in texts)


def test_what_is_left_out_is_counted() -> None:
    """What stands there and what is counted as left out are together what the plan does."""
    text = code_of(comment(SAMPLES["a huge plan"](), limit=8_000))

    shown = text.count("\n+ ConfigMap")
    assert f"{400 - shown} to create" in text


def test_an_error_is_cut_in_the_middle_of_its_detail_at_last() -> None:
    """The cause, the hint, and both ends of the detail are there; plans went before."""
    text = comment(SAMPLES["a long error"](), limit=6_000)

    assert "modules.network: apply failed: quota" in text
    assert "log line 0\n" in text
    assert "log line 899\n" in text
    assert "Deployment" not in text


def test_nothing_to_say_is_one_line() -> None:
    """A request without effect shows one line; all others are hidden."""
    text = comment(SAMPLES["a change without effect"](), limit=_GITHUB)

    shown = [line for line in text.splitlines() if not line.startswith("<!--")]
    assert shown == ["Merging changes nothing in `shop/production`, `shop/staging`."]


def test_a_secret_is_nowhere_in_what_leaves() -> None:
    """A secret that stands where nobody marked it is taken out before a text is cut, at every place."""
    secret = "correct horse battery staple"
    secrets = Secrets()
    secrets.learn(secret)
    at_the_cut = "x " * 35 + secret + " y" * 90
    hit = change(f"ConfigMap {at_the_cut}", fields=(field_change(at_the_cut),), reason=at_the_cut)
    planned = of(unit_plan("manifests.shop", hit, warnings=(at_the_cut,)))
    failed = SAMPLES["Terraform failed"]().stacks[0]
    assert failed.error is not None
    failed.error.message = failed.error.hint = failed.error.detail = at_the_cut
    made = preview(replace(planned, reasons=(at_the_cut,)), replace(failed, environment="staging"))

    for text in (
        comment(made, limit=_GITHUB, redact=secrets.redact),
        page(made, secrets.redact),
    ):
        assert "correct horse" not in text
        assert "battery staple" not in text
        assert "(sensitive)" in text


@pytest.mark.parametrize("name", ['aws_db.main["tok-41f6a2"]', 'aws_db.main["(sensitive)"]'])
def test_a_secret_is_in_no_command(name: str) -> None:
    """What cannot be typed as it is shown is acknowledged with all of its unit."""
    secrets = Secrets()
    secrets.learn("tok-41f6a2")
    lost = resource(name, Action.DELETE, risk=Risk.DATA_LOSS)
    made = preview(of(unit_plan("modules.database", lost)))

    for text in (
        comment(made, limit=_GITHUB, redact=secrets.redact),
        page(made, secrets.redact),
    ):
        assert "tok-41f6a2" not in text
        assert (
            "orchestrator apply shop --env production --acknowledge destroy:modules.database"
            in text
        )


def test_a_comment_is_found_by_its_first_line() -> None:
    """Configurations have markers of their own, and no text of others can begin a comment with one."""
    made = replace(SAMPLES["a small change"](), configuration='x" --> <b>')

    text = comment(made, limit=_GITHUB)

    assert text.startswith(marker(made.configuration) + "\n")
    assert marker("default") != marker("other")
    assert problems(text, _GITHUB) == []


@pytest.mark.parametrize(
    "name",
    [
        'aws_db_instance.shop["$(touch PWNED)"]',
        "aws_db_instance.shop['; touch PWNED; #']",
        'aws_db_instance.shop["`touch PWNED`"]',
        'aws_db_instance.shop["it\'s ${HOME}"]',
        "--help",
    ],
)
def test_what_a_comment_says_to_run_is_run_as_it_stands(name: str, tmp_path: Path) -> None:
    """A shell takes each name for one word, and runs nothing that is in it."""
    lost = resource(name, Action.DELETE, risk=Risk.DATA_LOSS)
    text = comment(preview(of(unit_plan("modules.database", lost))), limit=_GITHUB)
    command = text.partition("```sh\n")[2].partition("\n```")[0]

    script = f'orchestrator() {{ printf "%s\\n" "$@"; }}\n{command}\n'
    ended = subprocess.run(
        ("sh", "-c", script), cwd=tmp_path, capture_output=True, text=True, check=True
    )

    words = ["apply", "shop", "--env", "production", "--acknowledge", name]
    assert ended.stdout.splitlines() == words
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("name", ["the settings of the base", "a note without effect"])
def test_what_is_left_behind_stands_at_the_top(name: str) -> None:
    """Nobody scrolls to the end for what a merge leaves in a cluster; what changed since is no part of that list."""
    made = replace(SAMPLES[name](), notes=("blog is no longer in Git: what it made stays",))
    before = comment(SAMPLES["a small change"](), limit=_GITHUB)

    text = comment(made, limit=_GITHUB, previous=before)

    first, *more = text.split("\n\n")[1:]
    assert first == "- `blog is no longer in Git: what it made stays`"
    assert more[0].startswith("Since the comment on ")


def test_what_changed_since_the_comment_before() -> None:
    """A comment tells which plans are others than in the comment that it takes the place of."""
    before = preview(of(unit_plan("manifests.shop", change())), of(unit_plan(), stack="blog"))
    gone = comment(before, limit=_GITHUB)
    after = SAMPLES["a small change"]()

    told = comment(after, limit=_GITHUB, previous=gone)
    again = comment(after, limit=_GITHUB, previous=told)

    assert (
        "Since the comment on `9e8d7c6b5a`: `shop/production` was `1 to create`, is `1 to update`;"
        " `blog/production` is not touched any more." in told
    )
    assert "Since the comment on `9e8d7c6b5a`: nothing changed." in again
    elsewhere = preview(of(unit_plan("manifests.shop", change("ConfigMap shop/b"))))
    told = comment(elsewhere, limit=_GITHUB, previous=comment(before, limit=_GITHUB))
    assert (
        "`shop/production` is `1 to create` as before, by another plan: of other things or values, by"
        " other code or elsewhere" in told
    )
    failed = preview(error=RepositoryError("the two conflict in stack.yaml"))
    assert "Since" not in comment(failed, limit=_GITHUB, previous=told)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<!-- orchestrator-plans {} -->",
        '<!-- orchestrator-plans {"plans": [], "head": 1} -->',
        '<!-- orchestrator-plans {"plans": {"a": 1}, "head": ""} -->',
        "<!-- orchestrator-plans " + '{"a":' * 50_000 + "} -->",
        f'<!-- orchestrator-plans {{"plans": {{}}, "head": "../../{HEAD}"}} -->',
        f'<!-- orchestrator-plans {{"plans": {{}}, "head": "{HEAD}", "base": "--all"}} -->',
        f'<!-- orchestrator-plans {{"plans": {{"../x/y": ["1", ""]}}, "head": "{HEAD}"}} -->',
    ],
)
def test_a_comment_that_remembers_nothing_is_no_error(text: str) -> None:
    """Whatever stands in an earlier comment, it is read or passed over."""
    assert recall(text) is None


def test_of_two_comments_that_about_the_request_is_worth_more_then_the_later_one() -> None:
    """What nobody can read is worth least."""

    def written(begun: int, *, head: str = HEAD, into: str = "main") -> str:
        made = replace(preview(), begun=begun, head=head, into=into)
        return comment(made, limit=_GITHUB)

    ordered = [
        "anything",
        written(9, head="a" * 40),
        written(10, into="release"),
        written(0, into=""),
        written(2),
        written(3),
    ]

    found = [worth(each, head=HEAD, into="main") for each in ordered]
    assert found == sorted(found)
    assert len({*found}) == len(found)


def test_a_page_holds_everything_and_loads_nothing() -> None:
    """The page is whole where the comment is not, and what is in a plan is text there."""
    huge, hostile = page(SAMPLES["a huge plan"]()), page(SAMPLES["hostile names and values"]())

    assert huge.count("+ ConfigMap") == 400
    assert "</details> @everyone" not in hostile
    assert hostile.count("<details") == hostile.count("</details>")
    assert "default-src 'none'" in hostile
    assert "orchestrator.yaml changes" in page(SAMPLES["the settings of the base"]())


def test_a_page_has_values_whole_that_are_shortened_elsewhere() -> None:
    """Below the plan, before and after; without secrets, and without what would be markup or cannot be seen."""
    secrets = Secrets()
    secrets.learn("hunter2-hunter2")
    lines = "\n".join(f"line {number} </pre>\u202e\ud800" for number in range(90))
    long = f"{'x' * 400}hunter2-hunter2{'y' * 400}"
    changed = change(
        "ConfigMap shop/a",
        fields=(
            field_change("data.lines", before=ABSENT, after=lines),
            field_change("data.long", before=long, after=[long, {"a": long}]),
            field_change("data.short", before="so", after="so-so"),
            field_change("data.secret", before=masked("x" * 400), after=masked("y" * 400)),
        ),
    )

    text = page(preview(of(unit_plan("manifests.shop", changed))), secrets.redact)

    whole = text.partition("<summary>2 values in full</summary>")[2]
    assert all(f"line {number} &lt;/pre&gt;\\u202e\\ud800\n" in whole for number in range(90))
    assert whole.count(f"{'x' * 400}(sensitive){'y' * 400}") == 3
    assert "data.short" not in whole
    assert "hunter2" not in text
    assert text.replace("\n", "").isprintable()
    assert "in full" not in page(SAMPLES["a small change"]())
