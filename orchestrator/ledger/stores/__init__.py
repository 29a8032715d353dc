"""Where a ledger is kept: one file per place, each an implementation of ``ledger.store.Store``."""
