"""The revocations of tokens that have not expired, in memory, for many readers and one writer at a time."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from .claims import actors

# Verifiers accept tokens for this long after their `exp`, because clocks differ.
CLOCK_SKEW_SECONDS = 60

# The time of a revocation that concerns every token of what it names.
ALWAYS = 0xFFFF_FFFF

_SHARDS = 128
_SMALLEST = 8


class Revocation(NamedTuple):
    """One entry of the feed. Tokens of what it names that were issued at or before `not_before` are invalid; of an API key, that is when
    the key ends. Times are seconds since 1970.
    """

    hash: bytes
    not_before: int
    until: int


def hash_of(kind: str, name: str) -> bytes:
    """The first 128 bits of a SHA-256 over the kind and the name of what is revoked. `kind` is `token`, `grant`, `client`, `subject`,
    `key` or `api key`.
    """
    return sha256(f"tokensmith revoked {kind}\0{name}".encode()).digest()[:16]


class _Shard:
    """A hash table with open addressing in two flat arrays: 24 bytes for each slot, where a dict of Python needs more than 150. A slot
    is empty while its times are 0. They are written last, and a table that grows is replaced, so that readers need no lock.
    """

    __slots__ = ("hashes", "most", "times", "used")

    def __init__(self, slots: int) -> None:
        self.hashes = bytearray(16 * slots)
        # `until` in the upper 32 bits and `not_before` in the lower: the later of two revocations is the larger number.
        self.times = array("Q", bytes(8 * slots))
        self.used = 0
        # A table that is fuller makes look-ups long.
        self.most = 3 * slots // 4

    def slot(self, key: bytes) -> int:
        """Where `key` is, or would be. All bytes of a hash are equally random; the last one has chosen the shard."""
        hashes, times = self.hashes, self.times
        mask = len(times) - 1
        slot = int.from_bytes(key[:4], "big") & mask
        while times[slot] and hashes[16 * slot : 16 * slot + 16] != key:
            slot = (slot + 1) & mask
        return slot

    def put(self, key: bytes, times: int) -> None:
        """Adds one; there must be room."""
        slot = self.slot(key)
        known = self.times[slot]
        if not known:
            self.hashes[16 * slot : 16 * slot + 16] = key
            self.used += 1
        if times > known:
            self.times[slot] = times

    def rebuilt(self, now: int) -> _Shard:
        """The entries that have not expired, in a table that has room for more."""
        live = [slot for slot, times in enumerate(self.times) if times >> 32 >= max(now, 1)]
        slots = _SMALLEST
        while len(live) >= 3 * slots // 4:
            slots *= 2
        copy = _Shard(slots)
        for slot in live:
            copy.put(bytes(self.hashes[16 * slot : 16 * slot + 16]), self.times[slot])
        return copy


class RevocationView:
    """Looked up for every token, and extended by one writer at a time."""

    def __init__(self) -> None:
        self._shards = [_Shard(_SMALLEST) for _ in range(_SHARDS)]
        # The time up to which the view is complete, in seconds since 1970; 0 while it is cold.
        self.as_of = 0
        self._next_to_clean = 0

    def apply(self, entries: Iterable[Revocation], as_of: int) -> None:
        """Adds revocations. The caller asserts that with them the view has everything that was revoked before `as_of`. Entries may be
        repeated, and come in any order.
        """
        shards = self._shards
        for key, not_before, until in entries:
            shard = shards[key[15] % _SHARDS]
            if shard.used >= shard.most:
                shard = shards[key[15] % _SHARDS] = shard.rebuilt(as_of)
            until += CLOCK_SKEW_SECONDS
            # Times that do not fit are the last ones that do.
            if until > ALWAYS or not_before > ALWAYS:
                until, not_before = min(until, ALWAYS), min(not_before, ALWAYS)
            shard.put(key, until << 32 | not_before)
        self.as_of = max(self.as_of, as_of)
        self._forget_expired(as_of)

    def not_before(self, key: bytes, now: int) -> int | None:
        """Tokens of what this hash names are invalid if they were issued at or before the returned time; `ALWAYS` is all of them, `None`
        is none.
        """
        shard = self._shards[key[15] % _SHARDS]
        times = shard.times[shard.slot(key)]
        return times & ALWAYS if times and times >> 32 >= now else None

    def __len__(self) -> int:
        return sum(shard.used for shard in self._shards)

    def nbytes(self) -> int:
        """The memory of the tables, in bytes."""
        return sum(len(shard.hashes) + 8 * len(shard.times) for shard in self._shards)

    def _forget_expired(self, now: int) -> None:
        """Each call takes the next shard, so that no call takes long and an expired entry is removed within `_SHARDS` calls."""
        turn = self._next_to_clean
        self._next_to_clean = (turn + 1) % _SHARDS
        shard = self._shards[turn]
        if any(0 < times >> 32 < now for times in shard.times):
            self._shards[turn] = shard.rebuilt(now)


def ended_by(claims: Mapping[str, Any], key_id: str, view: RevocationView, now: int) -> str | None:
    """Why a token is revoked, if it is: by what concerns the token itself, or anything that it was exchanged for."""
    issued_at: int = claims["iat"]

    def is_revoked(kind: str, name: str | None) -> bool:
        return name is not None and view.not_before(hash_of(kind, name), now) is not None

    def covers(kind: str, name: str) -> bool:
        end = view.not_before(hash_of(kind, name), now)
        return end is not None and (issued_at <= end or end == ALWAYS)

    def has_ended(api_key: str) -> bool:
        ends_at = view.not_before(hash_of("api key", api_key), now)
        return ends_at is not None and ends_at <= now

    parents = claims.get("parents", ())
    tokens = [claims, *(parent for parent in parents if "jti" in parent)]
    # Whoever acts may be a client or a person. No client has the name of a person.
    subjects = [claims["sub"], *actors(claims)]
    if is_revoked("key", key_id) or any(is_revoked("key", parent.get("kid")) for parent in parents):
        return "withdrawn_key"
    if any(is_revoked("token", token["jti"]) for token in tokens):
        return "token_revoked"
    if any(is_revoked("grant", token.get("grant_id")) for token in tokens):
        return "grant_revoked"
    if any(covers("client", token["client_id"]) for token in tokens):
        return "client_revoked"
    if any(covers("subject", subject) for subject in subjects):
        return "subject_revoked"
    if any(has_ended(parent["key"]) for parent in parents if "key" in parent):
        return "api_key_ended"
    return None
