"""What a request may not decide about itself, and how it is told what it would change."""

from pathlib import Path

import pytest

from orchestrator.engine.previewing.trust import judged_by_base, overruled_settings
from orchestrator.stack.load import StackFile, read_policies
from orchestrator.stack.model import Risk, Stack
from orchestrator.stack.project import Project, load_project
from tests.stack.stack_files import HEAD, load, write

_MODULES = "modules: {database: {source: 'git::https://x.example/m.git', protect: true}}\n"
_POLICIES = (
    "guards: {destroys: 0, prune: 10%, approvals: 2}\non_failure: retry\n"
    "risks: {acme_ledger: data-loss}\nledger: {store: directory, path: ledgers}\n"
)


def _base(root: Path, text: str, environment: str = "default") -> Stack:
    write(root, {"stack.yaml": f"{HEAD}{text}"})
    file = StackFile(name="shop", file="stack.yaml")
    return read_policies(root, file, environment, load_project(root))


def _request(root: Path, text: str) -> Stack:
    return load(root, f"{HEAD}{text}")


@pytest.mark.parametrize(
    ("text", "overruled"),
    [
        (_POLICIES, ()),
        (
            _POLICIES.replace("destroys: 0", "destroys: 9").replace("approvals: 2", "approvals: 0"),
            ("guards.destroys", "guards.approvals"),
        ),
        (_POLICIES.replace("10%", "100%"), ("guards.prune",)),
        (_POLICIES.replace("retry", "stop"), ("on_failure",)),
        (_POLICIES.replace("data-loss", "reversible"), ("risks.acme_ledger",)),
        (_POLICIES.replace("acme_ledger:", "'*': reversible, acme_ledger:"), ("risks.*",)),
        (_POLICIES.replace("path: ledgers", "path: elsewhere"), ("ledger.path",)),
        (
            "",
            (
                "guards.prune",
                "guards.destroys",
                "guards.approvals",
                "ledger.store",
                "ledger.path",
                "on_failure",
                "risks.acme_ledger",
            ),
        ),
    ],
)
def test_the_policies_of_the_base_hold(
    tmp_path: Path, text: str, overruled: tuple[str, ...]
) -> None:
    """Whatever a request says of guards, failures, risks and the ledger: the base's count, and each key is told."""
    base = _base(tmp_path, _POLICIES + _MODULES)

    judged = judged_by_base(_request(tmp_path, text + _MODULES), base, Project())

    held = judged.stack
    assert (judged.guards, held.on_failure) == (base.guards, base.on_failure)
    assert (held.ledger, held.risks) == (base.ledger, base.risks)
    assert held.guards == _request(tmp_path, text + _MODULES).guards
    assert judged.overruled == overruled
    assert judged.protected == {"modules.database"}


def test_a_request_may_say_that_more_is_precious(tmp_path: Path) -> None:
    """That nobody has to wait for; what the base says of the same type counts all the same."""
    base = _base(tmp_path, "risks: {acme_a: reversible}\n")
    own = "risks: {acme_a: data-loss, acme_b: data-loss, acme_c: reversible}\n"

    judged = judged_by_base(_request(tmp_path, own), base, Project())

    assert judged.stack.risks == {"acme_a": Risk.REVERSIBLE, "acme_b": Risk.DATA_LOSS}
    assert judged.overruled == ("risks.acme_a", "risks.acme_c")


@pytest.mark.parametrize(
    ("ledger", "text", "told"),
    [
        ("{store: cluster, namespace: n}", "vars: {c: prod}\ncluster: {context: evil}\n", True),
        (
            "{store: cluster, namespace: n}",
            "vars: {c: evil}\ncluster: {context: '${{ vars.c }}'}\n",
            True,
        ),
        (
            "{store: cluster, namespace: n}",
            "vars: {c: prod}\ncluster: {server: 'https://e.example', exec: [sh, -c, id]}\n",
            True,
        ),
        ("{store: cluster, namespace: n}", "cluster: {context: prod}\n", False),
        ("{store: cluster, namespace: n, context: c}", "cluster: {context: evil}\n", False),
        ("{remote: origin}", "cluster: {context: evil}\n", False),
    ],
)
def test_the_ledger_stays_in_the_cluster_of_the_base(
    tmp_path: Path, ledger: str, text: str, *, told: bool
) -> None:
    """A request that goes elsewhere does not take the approvals and guards along that are in the ledger."""
    head = f"ledger: {ledger}\n"
    base = _base(tmp_path, f"{head}vars: {{c: prod}}\ncluster: {{context: '${{{{ vars.c }}}}'}}\n")

    judged = judged_by_base(_request(tmp_path, head + text), base, Project(), keeper=base)

    assert judged.keeper is base
    assert judged.overruled == (("ledger.cluster",) if told else ())


def test_where_something_stands_is_no_policy(tmp_path: Path) -> None:
    """A line more above changes nothing."""
    base = _base(tmp_path, _POLICIES)

    assert judged_by_base(_request(tmp_path, f"# x\n{_POLICIES}"), base, Project()).overruled == ()


@pytest.mark.parametrize("text", ["", _MODULES.replace("true", "false")])
def test_protection_that_goes_is_told(tmp_path: Path, text: str) -> None:
    """Whether its line goes, or the unit: the base protects it."""
    base = _base(tmp_path, _MODULES)

    judged = judged_by_base(_request(tmp_path, text), base, Project())

    assert judged.overruled == ("modules.database.protect",)
    assert judged.protected == {"modules.database"}


def test_what_the_repository_says_wins_for_a_new_stack(tmp_path: Path) -> None:
    """A stack that the base does not have is judged by the settings that it has for all; else by its own."""
    own = _request(tmp_path, _POLICIES)
    settings = (
        "guards: {destroys: 3}\nledger: {store: directory, path: x}\nrisks: {'*': data-loss}\n"
    )
    project = load_project(write(tmp_path, {"orchestrator.yaml": settings}))

    alone = judged_by_base(own, None, Project())
    below = judged_by_base(own, None, project)

    assert (alone.stack, alone.overruled) == (own, ())
    assert (below.guards, below.stack.ledger) == (project.guards, project.ledger)
    assert [*below.stack.risks.items()] == [("*", Risk.DATA_LOSS), ("acme_ledger", Risk.DATA_LOSS)]
    assert below.stack.on_failure == own.on_failure
    assert {"guards.destroys", "ledger.path", "risks.*"} <= {*below.overruled}


def test_a_new_environment_has_the_policies_of_its_stack(tmp_path: Path) -> None:
    """It cannot bring guards of its own: those that the base has for the whole stack count."""
    text = f"{_POLICIES}environments: {{staging: {{}}}}\n"
    base = _base(tmp_path, text, environment="production")
    more = "environments: {production: {guards: {destroys: 9}}}\n"

    judged = judged_by_base(_request(tmp_path, _POLICIES + more), base, Project())

    assert judged.guards.destroys == 0
    assert "guards.destroys" in judged.overruled


def test_settings_are_told_by_their_keys(tmp_path: Path) -> None:
    """What a request would allow itself is told as it is written."""
    before = load_project(write(tmp_path, {"orchestrator.yaml": "allow: {sources: []}\n"}))
    after = load_project(write(tmp_path, {"orchestrator.yaml": "guards: {destroys: 1}\n"}))

    assert overruled_settings(before, after) == ("guards", "allow.sources")
    assert overruled_settings(before, before) == ()
