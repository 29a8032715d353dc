"""What the agent's file names and Git does not declare."""

from dataclasses import replace

from orchestrator.agent.configuration.model import Repository, StackSettings
from orchestrator.agent.decisions.naming import doubt, outcome, undeclared
from orchestrator.agent.surveys import decode, encode
from orchestrator.agent.verdicts import End
from orchestrator.plans.declared import Declared
from tests.agent.builders import declared, survey

PRODUCTION = StackSettings(environments=("production",))


def _told(watched: Repository, *there: tuple[str, str], others: tuple[str, ...] = ()) -> list[str]:
    """Return what is missed of stacks in environments; the agent does not keep the ``others``."""
    found = [Declared(stack=stack, environment=environment) for stack, environment in there]
    names = {*others, *(stack for stack, _ in there)}
    return [f"{each}: {each.why} | {each.hint}" for each in undeclared(watched, found, names)]


def _watched(usual: StackSettings | None = None, **stacks: StackSettings) -> Repository:
    named = {name.replace("_", "-"): settings for name, settings in stacks.items()}
    return Repository(
        name="a", url="file:///a", stacks=named or None, otherwise=usual or StackSettings()
    )


def test_a_name_that_git_does_not_have_is_missed() -> None:
    """A stack, or an environment of one, with the nearest that there is, whether or not it is kept."""
    watched = _watched(
        app_aa=StackSettings(), web=StackSettings(environments=("prodution", "staging"))
    )
    assert _told(watched, ("web", "production"), ("web", "staging"), others=("app-a",)) == [
        "app-aa: there is no such stack | did you mean 'app-a'?",
        "web/prodution: the stack has no such environment | did you mean 'production'?",
    ]
    assert _told(_watched(app=StackSettings()), ("app", "default")) == []
    assert _told(_watched(app=StackSettings())) == [
        "app: there is no such stack | name it as Git does, or remove it from the agent's file"
    ]


def test_not_each_stack_has_all_environments_of_the_defaults() -> None:
    """They are missed of a stack that is named and has none of them, and of a repository that has none at all."""
    both = StackSettings(environments=("production", "staging"))
    assert _told(_watched(both, web=both), ("web", "staging")) == []
    assert len(_told(_watched(both, web=both), ("web", "default"))) == 2
    assert _told(_watched(PRODUCTION), ("web", "default"), ("app", "production")) == []
    assert _told(_watched(PRODUCTION), ("web", "staging"), ("app", "default")) == [
        "*/production: none of its stacks has this environment | known here: default, staging"
    ]
    assert _told(_watched(PRODUCTION)) == []


def test_a_stack_that_cannot_be_read_is_not_missed() -> None:
    """Nobody knows which environments it has; that it cannot be read is told."""
    watched = _watched(shop=PRODUCTION)
    assert undeclared(watched, [declared(trouble="odd")], {"shop"}) == ()


def test_a_repository_with_a_name_too_many_waits_for_somebody() -> None:
    """What cannot be read is worse."""
    found = survey("r1", declared())
    assert outcome(found).end is End.UNCHANGED
    missed = undeclared(_watched(app=PRODUCTION), [], ())
    found = survey("r1", declared(), missed=missed)
    assert (outcome(found).end, outcome(found).message) == (End.HELD, "not declared in Git: app")
    assert decode(encode(found)) == found
    worse = survey("r1", declared("web", trouble="odd"), missed=missed)
    assert (outcome(worse).end, outcome(worse).message) == (End.FAILED, "odd")


def test_what_left_git_may_stand_in_a_file_with_mistakes() -> None:
    """Where a name is misspelt, say: that is corrected before anybody takes anything away."""
    assert doubt(survey("r1", declared())) == ""
    for other in (declared(trouble="odd"), replace(declared(), mistakes="no such key: nam")):
        assert "one of them may declare it" in doubt(survey("r1", declared("web"), other))
