"""Several agents that share the work: who keeps which stacks, and who takes over from one that died.

Each stack belongs to a shard, and each shard to at most one replica, by a Lease. A replica renews one Lease, its own;
the others judge by when they saw that change last, never by the times in it, so that clocks may be wrong. Decisions
are pure (`shards.py`, `liveness.py`, `moves.py`), what Leases say is in `leases.py`, and only `membership.py` asks.
"""
