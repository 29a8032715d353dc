"""A comment brought up to date without planning: what is stale by now, or what became of a request that is done with.

Nothing of the request is run, so that it is safe for requests of strangers, too.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import partial

from orchestrator.engine.previewing.afterwards import afterwards
from orchestrator.engine.previewing.fetching import Fetched, fetched, stands_at
from orchestrator.engine.previewing.settings import settings_for
from orchestrator.engine.previewing.standing import Look, ledger_of, look, stale_plans
from orchestrator.engine.previewing.statuses import Statuses
from orchestrator.engine.previewing.touched import Merge
from orchestrator.engine.previewing.verdicts import no_comment
from orchestrator.engine.session import Surroundings
from orchestrator.errors import (
    ForgeError,
    Interrupted,
    InvalidStack,
    OrchestratorError,
    RepositoryError,
)
from orchestrator.forges.commenting import marked, marked_alone, rewrite, says, stands
from orchestrator.forges.forge import ChangeRequest, Comment, Forge
from orchestrator.plans.preview import Afterwards, Found, Refreshed
from orchestrator.reports.preview.afterwards import last_sentences
from orchestrator.reports.preview.memory import Memory, marker, recall, worth
from orchestrator.reports.preview.standing import EVERYTHING, with_last_line, with_stale
from orchestrator.repository.repository import open_repository

_ENTRIES = 200
_TRIES = 1
_NOTHING = "nothing to change"
_NO_COMMENT = "there is no comment of it, so plan again"
_CLOSED = "the request is closed"


def refresh(
    surroundings: Surroundings,
    forge: Forge,
    *,
    configuration: str,
    limit: int = 0,
    anew: str = "",
    tries: int = _TRIES,
) -> Refreshed:
    """Bring the comment on a request, and its statuses, up to date; nothing is planned.

    ``limit`` is 0 for the forge's own; ``anew`` is a commit whose statuses are all said, whatever was said before, and
    ``tries`` is how often a comment is looked at again that another run wrote meanwhile.
    Raises ForgeError, LedgerError, RepositoryError, ClusterError, InvalidStack; what cannot be told for one of these
    counts as stale before that is raised.
    """
    request = forge.request()
    of_the_request = partial(worth, head=request.head, into=request.base)
    comment = marked_alone(
        forge, marker(configuration), worth=of_the_request, stop=surroundings.stop
    )
    memory = recall(comment.text) if comment else None
    if comment is None or memory is None:
        known = comment.text if comment else ""
        if not request.merged_as and _nothing_stands(surroundings, forge, request, configuration):
            now = marked(forge, marker(configuration))
            if tries > 0 and now is not None and now.text != known:  # a run was done meanwhile
                return refresh(  # of what that run said, something may just have been taken back
                    surroundings,
                    forge,
                    configuration=configuration,
                    limit=limit,
                    anew=request.head,
                    tries=tries - 1,
                )
        return Refreshed(number=request.number, found=Found.NO_COMMENT)
    with ExitStack() as resources:
        page = _Page(
            # The base of another request may keep the same ledger elsewhere.
            surroundings=replace(surroundings, resources=resources, ledgers={}),
            forge=forge,
            request=request,
            comment=comment,
            memory=memory,
            configuration=configuration,
            limit=min(limit or forge.limit, forge.limit),
            anew=anew,
            tries=tries,
        )
        return page.marked() if request.is_open else page.finished()


def _nothing_stands(
    surroundings: Surroundings, forge: Forge, request: ChangeRequest, configuration: str
) -> bool:
    """Let no success stand of which no comment tells, such as one that somebody deleted; return whether one did.

    Nor one of another request with this head that is done with.
    """
    return Statuses(
        forge=forge,
        commit=request.head,
        configuration=configuration,
        stop=surroundings.stop,
        other_base=request.other_base,
    ).withdraw(
        no_comment(request.head),
        _NO_COMMENT,
        of=request.number,
        left=partial(_is_its_own, surroundings, request),
    )


def _is_its_own(surroundings: Surroundings, request: ChangeRequest) -> bool:
    """Whether a head is nobody's but the request's, so that what requests that are done with left there goes.

    A stranger may open one with any head that there is, such as that of the base: theirs takes nothing from that.
    """
    if not request.from_fork:
        return True
    found = fetched(surroundings, request, with_head=False)
    repository = found.repository
    remote, stop = repository.remote(), surroundings.stop
    return repository.descends(found.base, ancestor=request.head, remote=remote, stop=stop) is False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """One request with its comment, and what that remembers."""

    surroundings: Surroundings
    forge: Forge
    request: ChangeRequest
    comment: Comment
    memory: Memory
    configuration: str
    limit: int
    anew: str
    tries: int

    @property
    def into(self) -> str:
        """Return which branch the comment is about; old ones do not say it."""
        return self.memory.into or self.request.base

    @property
    def elsewhere(self) -> str:
        """Return why the comment is not about the request as it is now, empty when it is."""
        if self.request.head != self.memory.head:
            return f"the request is at {self.request.head[:10]} by now"
        if self.request.base != self.into:
            return f"the request is to be merged into {self.request.base} by now"
        return ""

    def marked(self) -> Refreshed:
        """Say in comment and statuses which plans are stale, and which are not any more."""
        redact = self.surroundings.secrets.redact
        found = look(self._look)
        stale = {name: redact(why) for name, why in found.stale.items()}
        found = replace(found, stale=stale)
        text = self._reopened(stale)
        if not self._stands(self.comment.text):  # whoever wrote it says its statuses
            return self._once_more(found) if self.anew else self._refreshed(found)
        said, refused = self._tried(stale, anew=self.anew == self.memory.head)
        found = replace(found, error=found.error or refused)
        if not self._rewrite(text):
            return self._once_more(found)
        if refused is None and not says(self.comment, text):
            # Who looked before us may have been slower, and have said the opposite since.
            said = self._say_in_statuses(stale)
        settled = not said or self._stands(text)
        return self._refreshed(found) if settled else self._once_more(found)

    def _tried(self, stale: Mapping[str, str], *, anew: bool) -> tuple[bool, ForgeError | None]:
        """Say it in the statuses; whoever reads the comment has to know it also where the forge refuses those."""
        try:
            return self._say_in_statuses(stale, anew=anew), None
        except ForgeError as error:
            return False, error

    def _say_in_statuses(self, stale: Mapping[str, str], *, anew: bool = False) -> bool:
        """Bring the statuses to what they have to be; return whether some were not so."""
        if self.elsewhere:
            return self._withdraw(self.elsewhere)
        return self._statuses(self.memory.head, self.into).settle(self.memory, stale, anew=anew)

    def _withdraw(self, why: str) -> bool:
        """Take back what the comment gave; nothing is known of the request where it is about something else by now."""
        number, head = self.request.number, self.request.head
        there = self._statuses(self.memory.head, self.into)
        # What leads nowhere, another request may take that has this head and base, and a comment that holds.
        there = replace(there, address="") if self.elsewhere else there
        said = there.withdraw(self.memory, why, of=number)
        if self.elsewhere:
            about = f"what was planned is {self.memory.head[:10]} into {self.into}"
            here = self._statuses(head, self.request.base)
            said |= here.withdraw(
                no_comment(head),
                about,
                of=number,
                left=partial(_is_its_own, self.surroundings, self.request),
                unasked=self.request.is_open,
            )
        return said

    def _statuses(self, commit: str, base: str) -> Statuses:
        return Statuses(
            forge=self.forge,
            commit=commit,
            configuration=self.configuration,
            stop=self.surroundings.stop,
            other_base=self.request.apart(base),
            address=self.comment.address,
        )

    def _reopened(self, stale: Mapping[str, str]) -> str:
        """Return the comment of an open request: its last line is that of one that is done with."""
        text = with_stale(self.comment.text, stale, limit=self.limit, most=self.forge.limit)
        return with_last_line(text, (), limit=self.limit)

    def _once_more(self, found: Look) -> Refreshed:
        """Look at what another run wrote while we said statuses, of which some may be wrong now."""
        return self._again() if self.tries > 0 else self._refreshed(found)

    def _again(self) -> Refreshed:
        return refresh(
            self.surroundings,
            self.forge,
            configuration=self.configuration,
            limit=self.limit,
            anew=self.memory.head,
            tries=self.tries - 1,
        )

    def _refreshed(self, found: Look) -> Refreshed:
        if found.error:
            raise found.error
        became = Found.STALE if found.stale else Found.CURRENT
        return Refreshed(number=self.request.number, found=became, stale=found.stale)

    def finished(self) -> Refreshed:
        """Say in the last line what was applied of it, as far as the ledgers know."""
        if not self.request.merged_as:  # it may be opened again, and nobody looks at it until then
            with suppress(ForgeError):  # who refuses it refuses it again, below
                self._withdraw(_CLOSED)
        told, error = self._looked_up()
        text = with_stale(self.comment.text, {}, limit=self.limit)
        sentences = last_sentences(told, merged_as=self.request.merged_as)
        redacted = map(self.surroundings.secrets.redact, sentences)
        if not self._rewrite(with_last_line(text, redacted, limit=self.limit)) and self.tries > 0:
            return self._again()
        if not self.request.merged_as:
            # Who saw it open may have been slower, and have let it pass since.
            self._withdraw(_CLOSED)
        if error:
            raise error
        found = Found.MERGED if self.request.merged_as else Found.CLOSED
        return Refreshed(number=self.request.number, found=found, afterwards=told)

    def _stands(self, text: str) -> bool:
        return stands(
            self.forge, text, marker=marker(self.configuration), stop=self.surroundings.stop
        )

    def _rewrite(self, text: str) -> bool:
        """Change the comment, unless a run that planned it anew did meanwhile: what that says is newer."""
        return says(self.comment, text) or rewrite(
            self.forge,
            self.comment,
            text,
            marker=marker(self.configuration),
            stop=self.surroundings.stop,
        )

    def _look(self) -> Look:
        request, memory = self.request, self.memory
        if self.elsewhere:
            return Look(stale={EVERYTHING: self.elsewhere})
        found = fetched(self.surroundings, request)
        try:
            before = found.repository.revision(memory.base)
            base, head = (found.repository.revision(each) for each in (found.base, found.head))
        except RepositoryError:  # history was rewritten
            return Look(stale={EVERYTHING: f"{request.base} is another one by now"})
        failed = memory.failed  # which planning again alone can mend
        if failed and base.commit == memory.base:
            return Look(stale={})
        try:
            merged = found.repository.merged(base, head)
            merge = None if merged.conflicts else self._merge(found, merged.commit)
        except (RepositoryError, InvalidStack):
            if not failed:  # what broken settings keep from being planned stays so, too
                raise
            return Look(stale={})
        if merge is None:
            why = f"it conflicts with {request.base} by now"
            return Look(stale={} if failed else {EVERYTHING: why})
        return stale_plans(merge, memory, before=before, base=request.base)

    def _merge(self, found: Fetched, result: str = "") -> Merge:
        base = found.repository.revision(found.base)
        merged = found.repository.revision(result) if result else base
        project, unjudged = settings_for(found.repository, base, merged)
        return Merge(
            surroundings=replace(self.surroundings, trusted=base.commit),
            repository=found.repository,
            base=base,
            result=merged,
            project=project,
            unjudged=unjudged,
        )

    def _looked_up(self) -> tuple[tuple[Afterwards, ...], OrchestratorError | None]:
        """Return what was applied, or why nobody can tell."""
        try:
            return tuple(self._what_was_applied()), None
        except Interrupted:
            raise
        except OrchestratorError as error:
            return (), error

    def _what_was_applied(self) -> Iterator[Afterwards]:
        repository = open_repository(self.surroundings.directory)
        if repository.remote() and not stands_at(self.surroundings, repository, self.request.base):
            return  # a request is closed along with its base, too, and nothing says where its ledgers were
        # The forge may have removed the head by now.
        merge = self._merge(fetched(self.surroundings, self.request, with_head=False))
        holds = self._holding(merge)
        for name, plan in self.memory.plans.items():
            if plan.digest and plan.outlook != _NOTHING:
                store = ledger_of(merge, name)
                if store is not None:
                    entries = store.history(_ENTRIES)
                    yield afterwards(name, plan.digest, entries, holds=holds)

    def _holding(self, merge: Merge) -> Callable[[str], bool]:
        commit = self.request.merged_as or self.memory.head
        plumbing = merge.repository.plumbing(stop=self.surroundings.stop)
        return lambda revision: (
            bool(revision) and plumbing.descends(revision, ancestor=commit) is True
        )
