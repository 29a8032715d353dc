"""Where this clone saw the ledger of a stack last: a small file of its own, beside what it knows of ledgers."""

import json
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
        with suppress(OSError):
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            new = self.file.with_suffix(".new")
            new.write_text(json.dumps(told), encoding="utf-8")
            new.replace(self.file)


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
