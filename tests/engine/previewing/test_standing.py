"""Which plans a base outdates that moved on, in real repositories; ledgers are asked in whole runs."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.engine.ledgers.opening import open_store
from orchestrator.engine.previewing.standing import (
    Look,
    ledger_moved,
    ledger_of,
    look,
    stale_plans,
)
from orchestrator.engine.previewing.touched import Merge, touched
from orchestrator.engine.session import Surroundings
from orchestrator.errors import AccessDenied, Interrupted, RepositoryError
from orchestrator.plans.preview import Preview, StackPreview
from orchestrator.reports.preview.memory import Memory, Remembered, recall, remember
from orchestrator.reports.preview.standing import EVERYTHING
from orchestrator.repository.repository import open_repository
from orchestrator.settings import Settings
from orchestrator.stack.load import load_project
from orchestrator.stack.model import Ledger, LedgerStore
from tests.git import git, make_repository
from tests.stack.stack_files import write

_STACK = "version: 1\nname: {}\nmodules: {{m: {{source: ../../modules/{}}}}}\n"
_NOTHING = Remembered(digest="", outlook="could not be planned")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a repository with two stacks of a module each, and a file that belongs to none."""
    repository = make_repository(tmp_path / "shop")
    files = {
        "stacks/shop/stack.yaml": _STACK.format("shop", "a"),
        "stacks/blog/stack.yaml": _STACK.format("blog", "b"),
        "modules/a/main.tf": "",
        "modules/b/main.tf": "",
        "README": "",
    }
    write(repository, files)
    _commit(repository)
    return repository


def _commit(root: Path) -> None:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "--message", "Change")


def _own_settings(merge: Merge) -> Merge:
    """Return a merge that is judged by its own settings, which say where ledgers are."""
    elsewhere = replace(
        merge.project, ledger=Ledger(store=LedgerStore.DIRECTORY, path="/elsewhere")
    )
    return replace(merge, project=elsewhere, unjudged="its orchestrator.yaml cannot be read")


def test_settings_of_a_request_lead_to_no_ledger(root: Path) -> None:
    """What they name may be anything; a ledger that they do not name is where it always is."""
    merge = _merge(root)
    own = _own_settings(merge)

    assert ledger_of(own, "shop/default") is None
    assert ledger_of(replace(own, project=merge.project), "shop/default") is not None


def _merge(root: Path, base: str = "HEAD") -> Merge:
    """Return what merging the last commit makes of a base."""
    repository = open_repository(root)
    onto = repository.revision(base)
    return Merge(
        surroundings=Surroundings(
            settings=Settings.read(), directory=root, on_event=lambda _event: None
        ),
        repository=repository,
        base=onto,
        result=repository.revision(),
        project=load_project(repository.export(onto)),
    )


def _stale(root: Path, *, whole: bool = True) -> dict[str, str]:
    """Return what the last commit outdates of the plans of a comment on the commit before."""
    merge = _merge(root)
    plans = {"shop/default": _NOTHING, "blog/default": _NOTHING} if whole else {}
    before = merge.repository.revision("HEAD~1")
    memory = Memory(head=before.commit, plans=plans, whole=whole)
    return dict(stale_plans(merge, memory, before=before, base="main").stale)


def _stale_since_two_commits(root: Path) -> Mapping[str, str]:
    """Return what is stale of a request about one stack, the last commit, once the base made the one before."""
    merge = _merge(root, "HEAD~1")
    memory = Memory(head=merge.result.commit, plans={"shop/default": _NOTHING})
    before = merge.repository.revision("HEAD~2")
    return stale_plans(merge, memory, before=before, base="main").stale


@pytest.mark.parametrize(
    ("files", "stale"),
    [
        ({"README": "more"}, {}),
        (
            {"modules/a/main.tf": "# more\n"},
            {"shop/default": "main moved on in what it is made of"},
        ),
        (
            {"modules/a/.terraform.lock.hcl": "# locked\n"},
            {"shop/default": "main moved on in what it is made of"},
        ),
        (
            {"stacks/blog/stack.yaml": "name: blog\nmodules: [\n"},
            {"blog/default": "main moved on in what it is made of"},
        ),
        (
            {"stacks/new/stack.yaml": _STACK.format("new", "a")},
            {EVERYTHING: "main has the stack new by now"},
        ),
        (
            {"orchestrator.yaml": "guards: {destroys: 1}\n"},
            dict.fromkeys(("shop/default", "blog/default"), "main moved on in what it is made of"),
        ),
    ],
)
def test_a_base_outdates_what_is_made_of_what_changed(
    root: Path, files: dict[str, str], stale: dict[str, str]
) -> None:
    """Modules, their lock files, stack files and settings count, and a new stack may be touched, too."""
    write(root, files)
    _commit(root)

    assert _stale(root) == stale


def test_links_of_a_module_outdate_a_plan_by_what_they_lead_to(root: Path) -> None:
    """Not by whatever else there is, as if nobody knew."""
    write(root, {"shared/more.tf": "# one\n"})
    (root / "modules/a/more.tf").symlink_to("../../shared/more.tf")
    _commit(root)
    write(root, {"README": "more"})
    _commit(root)
    by_a_readme = _stale(root)
    write(root, {"shared/more.tf": "# two\n"})
    _commit(root)

    assert by_a_readme == {}
    assert _stale(root) == {"shop/default": "main moved on in what it is made of"}


def test_a_stack_that_the_request_brings_is_none_of_the_base(root: Path) -> None:
    """It declares nothing yet, so that there is no plan of it; a push to the base does not make it new."""
    write(root, {"README": "more"})
    _commit(root)
    write(root, {"stacks/odd/stack.yaml": "version: 1\nname: odd\n"})
    _commit(root)

    assert _stale_since_two_commits(root) == {}


def test_a_ledger_that_is_gone_moved(root: Path) -> None:
    """Somebody deleted it while a plan was made; where there was none, there may be none."""
    merge = _merge(root)
    made = StackPreview(stack="shop", environment="default")

    with merge.surroundings.resources:
        assert ledger_moved(merge, replace(made, ledger="d" * 40))
        assert not ledger_moved(merge, made)


def test_a_stack_that_is_gone_has_no_plan_any_more(root: Path) -> None:
    """Somebody took it out of the base."""
    git(root, "rm", "-r", "--quiet", "stacks/shop")
    _commit(root)

    assert _stale(root) == {"shop/default": "main has no such stack any more"}


@pytest.mark.parametrize(
    ("module", "stale"),
    [
        ("a", {EVERYTHING: "main moved on in blog, which this may touch by now"}),
        ("c", {}),
    ],
)
def test_a_base_may_let_another_stack_be_touched(
    root: Path, module: str, stale: dict[str, str]
) -> None:
    """The request changes a module that another stack has called since, for which nothing was planned."""
    write(root, {"stacks/blog/stack.yaml": _STACK.format("blog", module), "modules/c/main.tf": ""})
    _commit(root)
    write(root, {"modules/a/main.tf": "# changed by the request\n"})
    _commit(root)
    assert _stale_since_two_commits(root) == stale


def _module_moved(root: Path) -> None:
    git(root, "mv", "modules/a", "modules/database")
    write(root, {"stacks/shop/stack.yaml": _STACK.format("shop", "database")})


def _stack_moved(root: Path) -> None:
    git(root, "mv", "stacks/shop", "stacks/store")


def _policies_of_its_own(root: Path) -> None:
    _stack_moved(root)
    write(
        root, {"stacks/store/stack.yaml": f"{_STACK.format('shop', 'a')}guards: {{destroys: 0}}\n"}
    )


_GUARDED = {"stacks/shop/stack.yaml": f"{_STACK.format('shop', 'a')}guards: {{destroys: 0}}\n"}


@pytest.mark.parametrize(
    ("request_", "base", "why"),
    [
        (
            _module_moved,
            {"modules/a/main.tf": 'output "new" { value = 1 }\n'},
            "in what it is made of",
        ),
        (_stack_moved, _GUARDED, "in what it is made of"),
        (_policies_of_its_own, _GUARDED, "in what it is made of"),
        (_module_moved, {"README": "more"}, ""),
    ],
)
def test_a_base_outdates_what_the_request_moved(
    root: Path, request_: Callable[[Path], None], base: dict[str, str], why: str
) -> None:
    """A merge follows what was moved, and guards of the base judge where they stood; other files outdate nothing."""
    write(root, {"modules/a/main.tf": "# the same\n" * 30})
    _commit(root)
    git(root, "checkout", "--quiet", "-b", "request")
    request_(root)
    _commit(root)
    git(root, "checkout", "--quiet", "main")
    write(root, base)
    _commit(root)
    merge = _merge(root)
    before, head = (merge.repository.revision(each) for each in ("HEAD~1", "request"))
    result = merge.repository.revision(merge.repository.merged(merge.base, head).commit)
    memory = Memory(head=head.commit, plans={"shop/default": _NOTHING, "blog/default": _NOTHING})

    stale = stale_plans(replace(merge, result=result), memory, before=before, base="main").stale

    assert stale == ({"shop/default": f"main moved on {why}"} if why else {})


def test_a_base_that_cannot_be_read_is_no_trouble_of_a_request_that_mends_it(root: Path) -> None:
    """Two of its stacks have one name: what the merge makes of it is read all the same."""
    write(root, {"stacks/more/stack.yaml": _STACK.format("shop", "b")})
    _commit(root)
    git(root, "rm", "-r", "--quiet", "stacks/more")
    _commit(root)
    assert _stale_since_two_commits(root) == {}


def test_where_nobody_knows_all_plans_every_commit_counts(root: Path) -> None:
    """Such as when nothing could be planned at all; without a commit, nothing is stale."""
    _commit(root)
    same = _stale(root, whole=False)
    write(root, {"README": "more"})
    _commit(root)

    assert same == {}
    assert _stale(root, whole=False) == {EVERYTHING: "main moved on"}


def test_plans_that_nobody_can_remember_do_not_hold(root: Path) -> None:
    """There was no room for them: which ledgers and locks would outdate them is not known."""
    merge = _merge(root)
    memory = recall(remember(Preview(base="b" * 40, head="a" * 40), plans=False))
    assert memory

    stale = stale_plans(merge, memory, before=merge.base, base="main").stale

    assert stale == {EVERYTHING: "its plans are too many to be remembered"}


@pytest.mark.parametrize(
    ("settings", "named", "opened"),
    [
        ("", "", True),
        ("", "ledger: {store: directory, path: mine}\n", False),
        ("ledger: {store: git}\n", "ledger: {store: directory, path: mine}\n", True),
    ],
)
def test_a_ledger_that_the_request_alone_names_is_not_looked_at(
    root: Path, settings: str, named: str, *, opened: bool
) -> None:
    """Its plan was made by that one, so that no other says whether it still holds; settings of the base come first."""
    write(root, {"README": "more", **({"orchestrator.yaml": settings} if settings else {})})
    _commit(root)
    write(root, {"stacks/new/stack.yaml": _STACK.format("new", "a") + named})
    _commit(root)

    store = ledger_of(_merge(root, "HEAD~1"), "new/default")

    assert (store is not None) is opened


def _in_cluster(program: str) -> str:
    """Return a stack file that keeps the ledger in the stack's own cluster, which a program lets in."""
    cluster = f"{{server: 'https://127.0.0.1:1', exec: [touch, {program}]}}"
    return f"{_STACK.format('shop', 'a')}ledger: {{store: cluster, namespace: n}}\ncluster: {cluster}\n"


def test_a_ledger_is_reached_as_the_base_says(root: Path, tmp_path: Path) -> None:
    """What a request says of its cluster names programs, and a refresh runs nothing of a request."""
    write(root, {"stacks/shop/stack.yaml": _in_cluster(f"{tmp_path}/base")})
    _commit(root)
    write(root, {"stacks/shop/stack.yaml": _in_cluster(f"{tmp_path}/request")})
    _commit(root)

    with pytest.raises(AccessDenied, match="credential plugin touch"):
        _sight(_merge(root, "HEAD~1"))

    assert (tmp_path / "base").exists()
    assert not (tmp_path / "request").exists()


def test_a_request_is_planned_by_the_ledger_of_its_base(root: Path, tmp_path: Path) -> None:
    """Its objects may go to another cluster; what is recorded stays where it is, and that is told."""
    write(root, {"stacks/shop/stack.yaml": _in_cluster(f"{tmp_path}/base")})
    _commit(root)
    write(root, {"stacks/shop/stack.yaml": _in_cluster(f"{tmp_path}/request")})
    _commit(root)
    merge = _merge(root, "HEAD~1")

    (one,) = touched(merge, frozenset({"stacks/shop/stack.yaml"}))
    assert one.session
    assert one.judged
    with merge.surroundings.resources, pytest.raises(AccessDenied):
        open_store(one.session).sight()

    assert one.judged.overruled == ("ledger.cluster",)
    assert (tmp_path / "base").exists()
    assert not (tmp_path / "request").exists()


def test_a_stack_that_comes_has_its_ledger_in_no_cluster_yet(root: Path, tmp_path: Path) -> None:
    """Nobody who is trusted said in which it is."""
    write(root, {"orchestrator.yaml": "ledger: {store: cluster, namespace: n}\n"})
    git(root, "rm", "-r", "--quiet", "stacks/shop")
    _commit(root)
    write(root, {"stacks/shop/stack.yaml": _in_cluster(f"{tmp_path}/request")})
    _commit(root)

    assert ledger_of(_merge(root, "HEAD~1"), "shop/default") is None
    assert not (tmp_path / "request").exists()


def test_two_stacks_of_one_name_outdate_everything(root: Path) -> None:
    """Another request added one of that name, in another folder: no stack can be planned any more."""
    _commit(root)
    write(root, {"stacks/other/stack.yaml": _STACK.format("shop", "b")})
    _commit(root)

    assert _stale(root) == {EVERYTHING: "main moved on: two stacks have one name by now"}


def test_a_ledger_that_does_not_answer_leaves_its_plan_unknown_and_no_other(
    root: Path, tmp_path: Path
) -> None:
    """What is known of the others is told all the same, and the error, too."""
    write(root, {"stacks/shop/stack.yaml": _in_cluster(f"{tmp_path}/base")})
    _commit(root)
    write(root, {"modules/b/main.tf": "# more"})
    _commit(root)
    merge = _merge(root)
    before = merge.repository.revision("HEAD~1")
    plan = Remembered(digest="1", outlook="1 to create")
    memory = Memory(head=before.commit, plans={"shop/default": plan, "blog/default": plan})

    with merge.surroundings.resources:
        found = stale_plans(merge, memory, before=before, base="main")

    assert isinstance(found.error, AccessDenied)
    assert found.stale == {
        "shop/default": f"nobody can tell whether it holds: {found.error.message}",
        "blog/default": "main moved on in what it is made of",
    }


def test_where_nobody_can_look_nothing_holds() -> None:
    """But a request to stop is no answer."""
    error = RepositoryError("the remote has no main")

    def failing() -> Look:
        raise error

    def stopped() -> Look:
        raise Interrupted("stopped")

    found = look(failing)
    with pytest.raises(Interrupted):
        look(stopped)

    why = "nobody can tell whether it holds: the remote has no main"
    assert found == Look(stale={EVERYTHING: why}, error=error)


def _sight(merge: Merge) -> None:
    with merge.surroundings.resources:
        store = ledger_of(merge, "shop/default")
        assert store is not None
        store.sight()
