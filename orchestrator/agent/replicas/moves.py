"""What a replica does about the shards, from what it sees. Pure."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from orchestrator.agent.replicas.leases import Holding, View
from orchestrator.agent.replicas.shards import SHARDS, assigned


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """What to take, as it is to be written, which of our shards to give away, and which are not ours any more."""

    take: tuple[Holding, ...]
    give: tuple[Holding, ...]
    lost: frozenset[int]


def moves(seen: View, living: Collection[str], *, myself: str, mine: Collection[int]) -> Moves:
    """Return what to do about the shards; ``mine`` are those that we took and have not lost since.

    A Lease with our name that we do not know of is from before we fell silent: it has to be taken again, so that
    whoever is about to take it and we cannot both succeed.
    """
    holders = {
        shard: each.holder
        for shard, each in seen.holdings.items()
        if each.holder != myself or shard in mine
    }
    wanted = assigned(holders, {*living, myself})
    free = {shard for shard in range(SHARDS) if holders.get(shard, "") not in {*living, myself}}
    kept = {shard for shard, holder in holders.items() if holder == myself}
    known = {shard: seen.holdings.get(shard, Holding(shard=shard)) for shard in range(SHARDS)}
    return Moves(
        take=tuple(
            replace(known[shard], holder=myself, transitions=known[shard].transitions + 1)
            for shard in sorted(free)
            if wanted.get(shard) == myself
        ),
        give=tuple(
            replace(each, holder="")
            for shard, each in sorted(seen.holdings.items())
            if each.holder == myself and wanted[shard] != myself
        ),
        lost=frozenset(mine) - kept,
    )
