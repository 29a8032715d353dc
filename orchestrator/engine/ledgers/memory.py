"""Where this clone saw the ledger of a stack last: a small file of its own, beside what it knows of ledgers."""

import json
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from orchestrator.engine.session import Session
from orchestrator.stack.model import Ledger, LedgerStore

_FILE = "place.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """A place by what people know it by and as a stack file says it, and the id of the last entry that was seen there.

    Empty, and None, for a ledger that was never seen. ``file`` is where it is kept; ``damaged`` says that it is there,
    and cannot be read.
    """

    file: Path
    title: str = ""
    ledger: Ledger | None = None
    head: str = ""
    damaged: bool = False

    def keep(self, title: str, ledger: Ledger, head: str) -> None:
        """Remember a place; where that cannot be written, nothing is noticed later."""
        if (title, ledger, head) == (self.title, self.ledger, self.head):
            return
        told = {
            "title": title,
            "head": head,
            "store": ledger.store,
            "remote": ledger.remote,
            "path": ledger.path,
            "namespace": ledger.namespace,
            "context": ledger.context,
            "kubeconfig": ledger.kubeconfig,
        }
        # Of each process its own, so that none puts the half of another one's in place.
        draft = self.file.with_name(f".{_FILE}.{uuid.uuid4().hex}")
        with suppress(OSError):
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft.write_text(json.dumps(told), encoding="utf-8")
            draft.replace(self.file)
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def remembered(session: Session) -> Memory:
    """Return where this clone saw the session's ledger last."""
    owner = session.owner
    file = session.repository.folder / "ledgers" / owner.stack / owner.environment / _FILE
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        ledger = Ledger(
            store=LedgerStore(told["store"]),
            remote=told["remote"],
            path=told["path"],
            namespace=told["namespace"],
            context=told["context"],
            kubeconfig=told["kubeconfig"],
        )
        return Memory(file=file, title=told["title"], ledger=ledger, head=told["head"])
    except FileNotFoundError:
        return Memory(file=file)
    except (OSError, ValueError, KeyError, TypeError):
        return Memory(file=file, damaged=True)
