"""Which shard a stack is in, and which replica is to have which shard. Pure."""

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Final

from orchestrator.agent.decisions.agenda import Key

SHARDS: Final = 16
"""How many shards there are, for every agent of every version: two that count differently would share stacks."""


def shard_of(key: Key) -> int:
    """Return the shard that a stack is in, with all of its environments."""
    return _lot(key.repository, key.stack) % SHARDS


def assigned(holders: Mapping[int, str], living: Collection[str]) -> Mapping[int, str]:
    """Return which living replica is to have which shard, all of them if anybody lives.

    ``holders`` says who has which now. Nobody has two more than another, and as few as possible change hands: who
    holds shards keeps as many as are its share, and gives away those that rank lowest with it; what is free goes to
    whoever it ranks highest with (rendezvous hashing) of those that have less than their share.
    """
    held = {shard: holder for shard, holder in holders.items() if holder in living}
    room = _shares(held, living)
    result: dict[int, str] = {}
    for shard, holder in sorted(held.items(), key=lambda each: -_rank(*each)):
        if room[holder]:
            room[holder] -= 1
            result[shard] = holder
    for shard in range(SHARDS):
        open_to = [member for member in sorted(room) if room[member]]
        if shard not in result and open_to:
            chosen = max(open_to, key=lambda member: _rank(shard, member))
            room[chosen] -= 1
            result[shard] = chosen
    return result


def _shares(held: Mapping[int, str], living: Collection[str]) -> dict[str, int]:
    """Return how many shards each may have: who has most keeps one more, where they do not come out even."""
    counts = Counter(held.values())
    order = sorted(living, key=lambda member: (-counts[member], member))
    each, more = divmod(SHARDS, len(order)) if order else (0, 0)
    return {member: each + (place < more) for place, member in enumerate(order)}


def _rank(shard: int, member: str) -> int:
    return _lot(str(shard), member)


@lru_cache(maxsize=4096)
def _lot(*words: str) -> int:
    return int.from_bytes(hashlib.sha256("\0".join(words).encode()).digest()[:8])
