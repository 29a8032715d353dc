"""Webhooks of the repositories: each is judged by the repository's own secret, and makes the agent look at once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from orchestrator import clock
from orchestrator.agent.complaints import Complaints
from orchestrator.agent.configuration.model import Configuration, Repository, Webhook
from orchestrator.agent.decisions.hooks import concerns
from orchestrator.agent.decisions.signatures import Delivery, Refusal, Remembered, judged
from orchestrator.agent.serving import Answer, Hook

_STATUS = {
    Refusal.UNSIGNED: HTTPStatus.UNAUTHORIZED,
    Refusal.FORGED: HTTPStatus.UNAUTHORIZED,
    Refusal.STALE: HTTPStatus.UNAUTHORIZED,
    Refusal.REPLAYED: HTTPStatus.CONFLICT,
}


def hooks_of(configuration: Configuration, tell: Callable[[str], None]) -> Mapping[str, Hook]:
    """Return what takes the webhooks of each repository that has one; ``tell`` is told its name."""
    return {
        name: _Hooked(repository=repository, webhook=repository.webhook, tell=tell)
        for name, repository in configuration.repositories.items()
        if repository.webhook is not None
    }


@dataclass(slots=True, kw_only=True)
class _Hooked:
    """One repository's webhook, and what came of it before; called by one thread."""

    repository: Repository
    webhook: Webhook
    tell: Callable[[str], None]
    _before: Remembered = field(default_factory=Remembered)
    _complaints: Complaints = field(default_factory=Complaints)

    def __call__(self, headers: Mapping[str, str], body: bytes) -> Answer:
        delivery, kind = Delivery(headers=headers, body=body), self.webhook.kind
        try:
            secret = self.webhook.secret_file.read_bytes().strip()
        except OSError as error:
            self._complaints.tell("secret cannot be read", self.repository.name, str(error))
            return Answer(status=HTTPStatus.SERVICE_UNAVAILABLE, text="not ready\n")
        found = judged(kind, secret, delivery, self._before, now=clock.now().timestamp())
        if isinstance(found, Refusal):
            self._complaints.tell("webhook refused", self.repository.name, found)
            return Answer(status=_STATUS[found], text="refused\n")
        self._before = found
        if not concerns(kind, delivery, self.repository.branch):
            return Answer(status=HTTPStatus.OK, text="nothing to do\n")
        self.tell(self.repository.name)
        return Answer(status=HTTPStatus.ACCEPTED, text="looking\n")
