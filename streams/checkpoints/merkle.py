"""The RFC 6962 Merkle tree over the ledger's row hashes: growing it, proving from it, verifying the proofs."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from hashlib import sha256
from itertools import islice
from typing import Protocol

from domain.errors import RelatoError

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()
TILE_LEVELS = 8
"""Complete subtrees are stored at every eighth level only: 1/255 of the tree's inner nodes."""
CHUNK_LEAVES = 1 << 16
TILES_KEPT = 256

NodeHash = Callable[[int, int], bytes]
"""The hash of a complete subtree by (level, index): over the 2^level leaves from index * 2^level on."""


class MerkleError(RelatoError):
    """The Merkle tree cannot do this."""


class OutsideTreeError(MerkleError):
    """The tree does not reach that far."""


class FrontierError(MerkleError):
    """The stored frontier of the tree is damaged; rebuild it from the ledger's rows."""


class MissingRowError(MerkleError):
    """The ledger holds fewer rows than the tree covers."""


class ProofError(MerkleError):
    """The proof does not hold."""


class InclusionError(ProofError):
    """The row is not in the tree with this root at this place, or it was altered."""


class ConsistencyError(ProofError):
    """The newer tree is not the older one with rows appended: history was rewritten."""


def leaf_hash(row_hash: bytes) -> bytes:
    return sha256(b"\x00" + row_hash).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def _pair_up(nodes: Sequence[bytes]) -> list[bytes]:
    """One level up; an odd node at the end is left out."""
    sha, pending = sha256, iter(nodes)
    return [sha(b"\x01" + left + right).digest() for left, right in zip(pending, pending, strict=False)]


def _fold(smallest_first: Iterable[bytes]) -> bytes:
    """The root over neighbouring complete subtrees, the smallest of which is the rightmost."""
    return reduce(lambda right, left: node_hash(left, right), smallest_first)


@dataclass(frozen=True, slots=True)
class StoredNode:
    """A complete subtree of 256, 65536 … leaves, to be kept for proofs."""

    level: int
    index: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Frontier:
    """A tree of `size` leaves as its complete subtrees, one per set bit of the size, the smallest first."""

    size: int = 0
    subtrees: tuple[bytes, ...] = ()

    def append_all(self, row_hashes: Iterable[bytes]) -> tuple[Frontier, list[StoredNode]]:
        """The grown frontier, and the subtrees at levels 8, 16, 24 … that the new leaves completed."""
        leaves, frontier, completed = iter(row_hashes), self, list[StoredNode]()
        while chunk := list(islice(leaves, CHUNK_LEAVES)):
            frontier = frontier._append(chunk, completed)
        return frontier, completed

    def _append(self, row_hashes: list[bytes], completed: list[StoredNode]) -> Frontier:
        sha, before, kept, level = sha256, iter(self.subtrees), list[bytes](), 0
        nodes = [sha(b"\x00" + row_hash).digest() for row_hash in row_hashes]
        while nodes or self.size >> level:
            if level and level % TILE_LEVELS == 0:
                first = self.size >> level
                completed.extend(StoredNode(level, first + n, node) for n, node in enumerate(nodes))
            if self.size >> level & 1:
                nodes.insert(0, next(before))
            if len(nodes) & 1:
                kept.append(nodes[-1])
            nodes, level = _pair_up(nodes), level + 1
        return Frontier(self.size + len(row_hashes), tuple(kept))

    def root(self) -> bytes:
        return _fold(self.subtrees) if self.size else EMPTY_ROOT

    def to_bytes(self) -> bytes:
        """Eight bytes of size, big-endian, then the subtrees' hashes."""
        return struct.pack(">Q", self.size) + b"".join(self.subtrees)

    @classmethod
    def from_bytes(cls, stored: bytes) -> Frontier:
        size, hashes = int.from_bytes(stored[:8], "big"), stored[8:]
        if len(stored) != 8 + HASH_BYTES * size.bit_count():
            raise FrontierError(size=size, stored_bytes=len(stored))
        return cls(size, tuple(hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)))


class RowHashes(Protocol):
    def row_hashes(self, start: int, stop: int) -> Sequence[bytes]:
        """The hashes of the rows at indexes [start, stop), in order; a row's index is its position less one."""


class StoredNodes(Protocol):
    def stored_node(self, level: int, index: int) -> bytes:
        """The hash that `Frontier.append_all` gave out for this place; level is a multiple of 8."""


class Nodes:
    """The `NodeHash` of a tree of `size` leaves, read by tiles: at most 256 row hashes or stored nodes each.

    A tile is read once while it is in the cache, so the proofs of many rows share their reads.
    """

    def __init__(self, rows: RowHashes, stored: StoredNodes, size: int) -> None:
        self._rows, self._stored, self._size = rows, stored, size
        self._tile = lru_cache(TILES_KEPT)(self._read_tile)

    def __call__(self, level: int, index: int) -> bytes:
        if min(level, index) < 0 or (index + 1) << level > self._size:
            raise OutsideTreeError(level=level, index=index, size=self._size)
        height = level % TILE_LEVELS
        width_bits = TILE_LEVELS - height
        tile = self._tile(level - height, index >> width_bits)
        return tile[height][index & ((1 << width_bits) - 1)]

    def _read_tile(self, level: int, index: int) -> list[list[bytes]]:
        """A tile's levels from its own leaves up; only what is complete at the tree's size."""
        start, stop = index << TILE_LEVELS, min((index + 1) << TILE_LEVELS, self._size >> level)
        levels = [self._read(level, start, stop)]
        while len(levels) < TILE_LEVELS:
            levels.append(_pair_up(levels[-1]))
        return levels

    def _read(self, level: int, start: int, stop: int) -> list[bytes]:
        if level:
            return [self._stored.stored_node(level, index) for index in range(start, stop)]
        leaves = [leaf_hash(row_hash) for row_hash in self._rows.row_hashes(start, stop)]
        if len(leaves) != stop - start:
            raise MissingRowError(start=start, stop=stop, found=len(leaves))
        return leaves


def range_root(start: int, stop: int, node: NodeHash) -> bytes:
    """The root over leaves [start, stop), where start is a multiple of a power of two not below their number."""
    largest_first = []
    while start < stop:
        level = (stop - start).bit_length() - 1
        largest_first.append(node(level, start >> level))
        start += 1 << level
    return _fold(reversed(largest_first))


def inclusion_proof(index: int, size: int, node: NodeHash) -> list[bytes]:
    """That leaf `index` is in the tree of `size` leaves (RFC 9162, 2.1.3.1)."""
    if not 0 <= index < size:
        raise OutsideTreeError(index=index, size=size)
    start, stop, largest_first = 0, size, list[bytes]()
    while stop - start > 1:
        start, stop, other_half = _halve(start, stop, index, node)
        largest_first.append(other_half)
    return largest_first[::-1]


def consistency_proof(old_size: int, new_size: int, node: NodeHash) -> list[bytes]:
    """That the tree of `new_size` leaves begins with that of `old_size` (RFC 9162, 2.1.4.1); empty from nothing."""
    if not 0 <= old_size <= new_size:
        raise OutsideTreeError(old_size=old_size, new_size=new_size)
    start, stop, largest_first = 0, new_size, list[bytes]()
    while 0 < old_size < stop:
        start, stop, other_half = _halve(start, stop, old_size - 1, node)
        largest_first.append(other_half)
    if start:
        largest_first.append(range_root(start, stop, node))
    return largest_first[::-1]


def _halve(start: int, stop: int, leaf: int, node: NodeHash) -> tuple[int, int, bytes]:
    """The half of the leaves [start, stop) that holds this leaf, and the root of the other half.

    RFC 6962 divides after the largest power of two below the leaves' number.
    """
    middle = start + (1 << (stop - start - 1).bit_length() - 1)
    if leaf < middle:
        return start, middle, range_root(middle, stop, node)
    return middle, stop, range_root(start, middle, node)


def verify_inclusion(row_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Returns when the row is leaf `index` under the root, else raises `InclusionError` (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size or not _are_hashes(proof):
        raise InclusionError(index=index, size=size)
    found = leaf_hash(row_hash)
    for sibling, on_the_left in _climb(index, size - 1, proof, InclusionError):
        found = node_hash(sibling, found) if on_the_left else node_hash(found, sibling)
    if found != root:
        raise InclusionError(index=index, size=size)


def verify_consistency(old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Returns when the new tree extends the old, else raises `ConsistencyError` (RFC 9162, 2.1.4.2)."""
    refusal = ConsistencyError(old_size=old_size, new_size=new_size)
    if not 0 <= old_size <= new_size or not _are_hashes(proof):
        raise refusal
    if old_size in (0, new_size):
        same_root = old_size < new_size or old_root == new_root
        if proof or not same_root or (old_size == 0 and old_root != EMPTY_ROOT):
            raise refusal
        return
    path = proof if old_size & (old_size - 1) else [old_root, *proof]
    if not proof:
        raise refusal
    shared_levels = (old_size & -old_size).bit_length() - 1
    old = new = path[0]
    for sibling, on_the_left in _climb(
        (old_size - 1) >> shared_levels, (new_size - 1) >> shared_levels, path[1:], ConsistencyError
    ):
        old = node_hash(sibling, old) if on_the_left else old
        new = node_hash(sibling, new) if on_the_left else node_hash(new, sibling)
    if (old, new) != (old_root, new_root):
        raise refusal


def _are_hashes(proof: Sequence[bytes]) -> bool:
    return all(len(sibling) == HASH_BYTES for sibling in proof)


def _climb(place: int, last: int, proof: Sequence[bytes], refusal: type[ProofError]) -> Iterator[tuple[bytes, bool]]:
    """Each sibling with its side, from a node among `last` + 1 of its level up to the root."""
    for sibling in proof:
        if last == 0:
            raise refusal(surplus_hash=sibling.hex())
        on_the_left = bool(place & 1) or place == last
        yield sibling, on_the_left
        while on_the_left and not place & 1 and place:
            place, last = place >> 1, last >> 1
        place, last = place >> 1, last >> 1
    if last:
        raise refusal(missing_levels=last.bit_length())
