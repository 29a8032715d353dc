"""When a plan goes back: real commits against the runs that a ledger remembers."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from orchestrator.engine.planning.restoring import with_restored
from orchestrator.engine.planning.wanted import read_wanted
from orchestrator.engine.session import Surroundings, open_session
from orchestrator.ledger.entry import Entry, Kind, LedgerState, Operation
from orchestrator.ledger.fold import fold_all
from orchestrator.plans.change import Action
from orchestrator.plans.events import Outcome
from orchestrator.plans.plan import Lasting, Plan, Restored, Revision
from orchestrator.plans.record import PlannedChange, PlannedUnit, PlanRecord
from orchestrator.settings import Settings
from orchestrator.stack.model import UnitId
from tests.git import commit_file, git, make_clone, make_remote, make_repository
from tests.ledger.builders import entry, record, run
from tests.plans.builders import plan

STACK = """
version: 1
name: shop
environments:
  production: {vars: {size: 2}}
  staging: {vars: {size: 1}}
modules:
  database: {source: ../../modules/database}
manifests:
  shop: {path: "shop/*.yaml"}
"""
TEXT = "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {0}, namespace: shop}}\ndata: {{text: {0}}}\n"


@dataclass(slots=True)
class Ground:
    """A repository with a stack, and a ledger of what was applied of it."""

    root: Path
    entries: list[Entry]

    def write(self, file: str, text: str) -> str:
        """Commit a file and return the commit."""
        return commit_file(self.root, file, text, subject=f"Change {file}")

    def ran(
        self,
        outcome: Outcome = Outcome.APPLIED,
        *,
        operation: Operation = Operation.APPLY,
        difference: str = "",
    ) -> str:
        """Record a run at the commit that is checked out, begun and ended, and return that commit."""
        commit = git(self.root, "rev-parse", "HEAD")
        self.began(operation=operation, difference=difference)
        self.entries.append(
            entry(
                len(self.entries) + 1,
                Kind.FINISHED,
                of=replace(self.entries[-1].run),
                outcome=outcome,
                units=[record("manifests.shop", outcome)],
            )
        )
        return commit

    def began(
        self, *changes: PlannedChange, operation: Operation = Operation.APPLY, difference: str = ""
    ) -> None:
        """Record that a run began."""
        commit = git(self.root, "rev-parse", "HEAD")
        revision = Revision(commit=commit, difference=difference)
        number = len(self.entries) + 1
        of = replace(run(revision=revision, operation=operation), id=f"run-{number}")
        unit = PlannedUnit(unit=UnitId("manifests.shop"), changes=changes)
        begun = replace(entry(number, of=of), plan=PlanRecord(units=(unit,)))
        self.entries.append(begun)

    def history(self, limit: int) -> Iterator[Entry]:
        """Yield entries, newest first, as a store does."""
        return iter(tuple(reversed(self.entries))[:limit])

    def found(self) -> Restored | None:
        """Return what a plan of the commit that is checked out restores."""
        return self.planned().restores

    def planned(self) -> Plan:
        """Return a plan of the commit that is checked out."""
        around = Surroundings(
            settings=Settings.read(), directory=self.root, on_event=lambda _event: None
        )
        session = open_session(around, stack="shop", environment="production")
        state: LedgerState = fold_all(self.entries)
        return with_restored(
            plan(),
            session,
            wanted=read_wanted(session.tree, session.stack),
            ledger=state,
            store=self,  # type: ignore[arg-type]
        )

    def back(self) -> tuple[str, str] | None:
        """Return the commits that are restored and undone."""
        found = self.found()
        return (found.revision.commit, found.over.commit) if found else None


@pytest.fixture
def ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ground:
    """Return a stack that was applied once."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    root = make_repository(tmp_path / "shop")
    made = Ground(root, [])
    made.write("modules/database/main.tf", 'output "id" {\n  value = "1"\n}\n')
    made.write("stacks/shop/shop/web.yaml", TEXT.format("web"))
    made.write("stacks/shop/stack.yaml", STACK)
    return made


def test_what_other_environments_and_comments_say_is_no_part_of_it(ground: Ground) -> None:
    """A revision goes back when the stack says the same here, however the file says it."""
    first = ground.ran()
    ground.write("modules/database/main.tf", 'output "id" {\n  value = "2"\n}\n')
    second = ground.ran(Outcome.FAILED)
    git(ground.root, "revert", "--no-edit", "HEAD")
    ground.write("stacks/shop/stack.yaml", f"# ours\n{STACK.replace('size: 1', 'size: 3')}")
    ground.write("README.md", "a shop\n")

    assert ground.back() == (first, second)

    ground.write("stacks/shop/stack.yaml", STACK.replace("size: 2", "size: 3"))
    assert ground.back() is None


def test_what_links_lead_to_is_part_of_it(ground: Ground) -> None:
    """Also of a stack file that is a link, which says the same with other comments; a program need not be in Git."""
    shop = ground.root / "stacks/shop"
    stack = f"{STACK}terraform: {{binary: ./tools/terraform}}\n"
    ground.write("stacks/shop/stack.yaml", stack)
    (ground.root / "apps").mkdir()
    (shop / "stack.yaml").rename(ground.root / "apps/shop.yaml")
    (shop / "stack.yaml").symlink_to("../../apps/shop.yaml")
    (shop / "shop/linked.yaml").symlink_to("../../../shared/linked.yaml")
    git(ground.root, "add", "--all")
    ground.write("shared/linked.yaml", TEXT.format("one"))
    first = ground.ran()
    ground.write("shared/linked.yaml", TEXT.format("two"))
    second = ground.ran(Outcome.FAILED)
    ground.write("shared/linked.yaml", TEXT.format("one"))
    ground.write("apps/shop.yaml", f"# ours\n{stack}")

    assert ground.back() == (first, second)


def test_every_file_that_may_decide_counts(ground: Ground) -> None:
    """A file that a pattern takes, or that a module may read elsewhere; and what is in no commit is nothing."""
    ground.ran()
    ground.write("stacks/shop/shop/more.yaml", TEXT.format("more"))
    second = ground.ran()
    git(ground.root, "revert", "--no-edit", "HEAD")
    back = ground.back()
    assert back is not None
    assert back[1] == second
    ground.write("stacks/shop/shop/other.yaml", TEXT.format("other"))
    assert ground.back() is None

    reading = 'output "id" {\n  value = file("${path.module}/../text")\n}\n'
    ground.write("modules/database/main.tf", reading)
    third = ground.ran()
    ground.write("stacks/shop/shop/web.yaml", TEXT.format("web2"))
    fourth = ground.ran()
    git(ground.root, "revert", "--no-edit", "HEAD")
    assert ground.back() == (third, fourth)
    ground.write("modules/text", "read by the module\n")
    assert ground.back() is None


def test_runs_that_died_and_uncommitted_files_are_gone_back_over(ground: Ground) -> None:
    """They may have done anything; they are nothing to go back to, and a destruction ends all ways back."""
    first = ground.ran()
    ground.write("stacks/shop/shop/web.yaml", TEXT.format("web2"))
    second = git(ground.root, "rev-parse", "HEAD")
    ground.began()
    git(ground.root, "revert", "--no-edit", "HEAD")
    assert ground.back() == (first, second)
    reverted = ground.ran(Outcome.FAILED)
    assert ground.back() == (first, second)

    ground.ran(Outcome.APPLIED, difference="d1")
    assert ground.back() == (first, reverted)
    ground.ran(Outcome.DESTROYED, operation=Operation.DESTROY)
    assert ground.back() is None


def test_jobs_of_the_runs_that_are_undone_are_named(ground: Ground) -> None:
    """As far as those runs came; what ran before the revision that comes back is no matter."""
    job = PlannedChange(action=Action.CREATE, name="Job shop/first")
    ground.began(job)
    ground.ran()
    ground.write("stacks/shop/shop/web.yaml", TEXT.format("web2"))
    ground.began(replace(job, name="Job shop/second"))
    ground.entries.append(entry(len(ground.entries) + 1, Kind.FINISHED, of=ground.entries[-1].run))
    ground.began(replace(job, name="Job shop/skipped"))
    skipped = record("manifests.shop", Outcome.SKIPPED)
    ground.entries.append(
        entry(len(ground.entries) + 1, Kind.FINISHED, of=ground.entries[-1].run, units=[skipped])
    )
    git(ground.root, "revert", "--no-edit", "HEAD")

    found = ground.found()

    assert found is not None
    assert [(one.name, one.why) for one in found.unrestored] == [("Job shop/second", Lasting.RAN)]


def test_a_pipeline_without_the_history_goes_back_too(ground: Ground, tmp_path: Path) -> None:
    """What was applied is fetched into a shallow clone; where it cannot be had, the plan says what is not known."""
    first = ground.ran()
    ground.write("stacks/shop/shop/web.yaml", TEXT.format("other"))
    second = ground.ran()
    git(ground.root, "revert", "--no-edit", "HEAD")
    remote = make_remote(tmp_path / "remote.git", of=ground.root)
    for number, away in enumerate((False, True)):
        clone = make_clone(remote, tmp_path / f"clone-{number}", "--depth=1")
        if away:
            remote.rename(tmp_path / "away")
        shallow = Ground(clone, ground.entries)
        if not away:
            assert shallow.back() == (first, second)
            continue
        planned = shallow.planned()
        assert planned.restores is None
        assert (
            f"{second[:10]}, {first[:10]} cannot be fetched: whether this goes" in planned.notes[-1]
        )
