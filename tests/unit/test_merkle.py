"""The Merkle tree against RFC 6962's own definition, its published vectors, and every kind of forgery."""

from collections.abc import Sequence
from functools import cache
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.checkpoints.merkle import (
    EMPTY_ROOT,
    ConsistencyError,
    Frontier,
    FrontierError,
    InclusionError,
    MissingRowError,
    Nodes,
    OutsideTreeError,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    verify_consistency,
    verify_inclusion,
)

quick = settings(max_examples=40, deadline=None, database=None)

CT_LEAVES = [
    bytes.fromhex(leaf)
    for leaf in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
CT_ROOTS = [
    bytes.fromhex(root)
    for root in (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    )
]
CT_INCLUSION = {
    (0, 8): (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    (5, 8): (
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
}
CT_CONSISTENCY = {
    (6, 8): (
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 5): (
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
}

ROWS = [sha256(n.to_bytes(4, "big")).digest() for n in range(300)]


@cache
def naive_root(start: int, stop: int) -> bytes:
    """RFC 6962, 2.1, word for word."""
    if stop == start:
        return sha256(b"").digest()
    if stop - start == 1:
        return sha256(b"\x00" + ROWS[start]).digest()
    k = 1
    while k * 2 < stop - start:
        k *= 2
    return sha256(b"\x01" + naive_root(start, start + k) + naive_root(start + k, stop)).digest()


class LedgerInMemory:
    """Rows, and the stored nodes as the frontier gives them out."""

    def __init__(self, rows: Sequence[bytes]) -> None:
        self.rows, self.reads = rows, 0
        self.frontier, completed = Frontier().append_all(rows)
        self.stored = {(node.level, node.index): node.hash for node in completed}

    def row_hashes(self, start: int, stop: int) -> Sequence[bytes]:
        assert stop - start <= 256
        self.reads += 1
        return self.rows[start:stop]

    def stored_node(self, level: int, index: int) -> bytes:
        return self.stored[level, index]

    def nodes(self) -> Nodes:
        return Nodes(self, self, len(self.rows))


def small_node(level: int, index: int) -> bytes:
    return naive_root(index << level, (index + 1) << level)


def flip(content: bytes, bit: int) -> bytes:
    return (int.from_bytes(content, "big") ^ 1 << bit).to_bytes(len(content), "big")


sizes = st.integers(1, len(ROWS))
bits = st.integers(0, 255)


@pytest.mark.parametrize("size", range(9))
def test_the_roots_are_those_published_with_certificate_transparency(size: int) -> None:
    assert Frontier().append_all(CT_LEAVES[:size])[0].root() == CT_ROOTS[size]


@pytest.mark.parametrize(("index", "size"), CT_INCLUSION)
def test_the_inclusion_proofs_are_the_published_ones(index: int, size: int) -> None:
    proof = inclusion_proof(index, size, LedgerInMemory(CT_LEAVES).nodes())
    assert [sibling.hex() for sibling in proof] == list(CT_INCLUSION[index, size])
    verify_inclusion(CT_LEAVES[index], index, size, proof, CT_ROOTS[size])


@pytest.mark.parametrize(("old_size", "new_size"), CT_CONSISTENCY)
def test_the_consistency_proofs_are_the_published_ones(old_size: int, new_size: int) -> None:
    proof = consistency_proof(old_size, new_size, LedgerInMemory(CT_LEAVES).nodes())
    assert [sibling.hex() for sibling in proof] == list(CT_CONSISTENCY[old_size, new_size])
    verify_consistency(old_size, new_size, CT_ROOTS[old_size], CT_ROOTS[new_size], proof)


def test_a_frontier_grown_row_by_row_has_the_defined_root_at_every_size() -> None:
    frontier = Frontier()
    for size in range(len(ROWS)):
        assert (frontier.size, frontier.root()) == (size, naive_root(0, size))
        frontier, _ = frontier.append_all(ROWS[size : size + 1])


@quick
@given(st.lists(st.integers(0, 130), max_size=6))
def test_how_rows_are_grouped_into_appends_changes_neither_root_nor_stored_nodes(groups: list[int]) -> None:
    frontier, stored, start = Frontier(), [], 0
    for rows in groups:
        frontier, completed = frontier.append_all(ROWS[start : start + rows])
        frontier, start = Frontier.from_bytes(frontier.to_bytes()), min(start + rows, len(ROWS))
        stored += completed
    assert frontier.root() == naive_root(0, start)
    assert (frontier, stored) == Frontier().append_all(ROWS[:start])


@pytest.fixture(scope="module")
def large_ledger() -> LedgerInMemory:
    return LedgerInMemory([n.to_bytes(4, "big") for n in range(65_536 + 700)])


def test_a_large_tree_gives_out_its_stored_levels_once_and_in_order(large_ledger: LedgerInMemory) -> None:
    assert list(large_ledger.stored) == [*((8, n) for n in range(256)), (16, 0), (8, 256), (8, 257)]
    assert large_ledger.stored[16, 0] == Frontier().append_all(large_ledger.rows[:65_536])[0].root()


def test_proofs_from_stored_nodes_hold_in_a_large_tree(large_ledger: LedgerInMemory) -> None:
    size, node, root = large_ledger.frontier.size, large_ledger.nodes(), large_ledger.frontier.root()
    for index in (0, 255, 256, 40_000, 65_535, 65_536, size - 1):
        verify_inclusion(large_ledger.rows[index], index, size, inclusion_proof(index, size, node), root)
    for old_size in (1, 255, 256, 513, 2_049):
        old_root = Frontier().append_all(large_ledger.rows[:old_size])[0].root()
        verify_consistency(old_size, size, old_root, root, consistency_proof(old_size, size, node))


def test_proofs_of_neighbouring_rows_read_their_tile_once() -> None:
    ledger = LedgerInMemory(ROWS)
    node = ledger.nodes()
    for index in range(256):
        inclusion_proof(index, len(ROWS), node)
    assert ledger.reads == 2


def test_a_damaged_stored_frontier_is_refused() -> None:
    stored = Frontier().append_all(ROWS[:7])[0].to_bytes()
    for damaged in (b"", stored[:-1], stored + b"\x00", b"\x00" * 7, flip(stored, len(stored) * 8 - 64)):
        with pytest.raises(FrontierError):
            Frontier.from_bytes(damaged)


def test_every_row_of_every_small_tree_is_proven() -> None:
    for size in range(1, 41):
        for index in range(size):
            proof = inclusion_proof(index, size, small_node)
            verify_inclusion(ROWS[index], index, size, proof, naive_root(0, size))


def test_every_small_tree_is_proven_to_extend_every_smaller_one() -> None:
    for new_size in range(41):
        for old_size in range(new_size + 1):
            proof = consistency_proof(old_size, new_size, small_node)
            verify_consistency(old_size, new_size, naive_root(0, old_size), naive_root(0, new_size), proof)


@quick
@given(sizes, st.data())
def test_an_inclusion_proof_with_one_bit_changed_fails(size: int, data: st.DataObject) -> None:
    index, bit = data.draw(st.integers(0, size - 1)), data.draw(bits)
    proof, row, root = inclusion_proof(index, size, small_node), ROWS[index], naive_root(0, size)
    forged = [(flip(row, bit), proof, root), (row, proof, flip(root, bit))]
    forged += [(row, [*proof[:n], flip(proof[n], bit), *proof[n + 1 :]], root) for n in range(len(proof))]
    for some_row, some_proof, some_root in forged:
        with pytest.raises(InclusionError):
            verify_inclusion(some_row, index, size, some_proof, some_root)


@quick
@given(sizes, st.data())
def test_a_consistency_proof_with_one_bit_changed_fails(new_size: int, data: st.DataObject) -> None:
    old_size, bit = data.draw(st.integers(1, new_size)), data.draw(bits)
    proof = consistency_proof(old_size, new_size, small_node)
    old_root, new_root = naive_root(0, old_size), naive_root(0, new_size)
    verify_consistency(old_size, new_size, old_root, new_root, proof)
    forged = [(flip(old_root, bit), new_root, proof), (old_root, flip(new_root, bit), proof)]
    forged += [(old_root, new_root, [*proof[:n], flip(proof[n], bit), *proof[n + 1 :]]) for n in range(len(proof))]
    for some_old, some_new, some_proof in forged:
        with pytest.raises(ConsistencyError):
            verify_consistency(old_size, new_size, some_old, some_new, some_proof)


def test_every_single_bit_of_a_proof_counts() -> None:
    proof, root = inclusion_proof(6, 11, small_node), naive_root(0, 11)
    for n, sibling in enumerate(proof):
        for bit in range(256):
            with pytest.raises(InclusionError):
                verify_inclusion(ROWS[6], 6, 11, [*proof[:n], flip(sibling, bit), *proof[n + 1 :]], root)


@quick
@given(sizes, st.data())
def test_a_row_is_proven_at_its_own_place_only(size: int, data: st.DataObject) -> None:
    index, other = data.draw(st.integers(0, size - 1)), data.draw(st.integers(-2, size + 1))
    proof = inclusion_proof(index, size, small_node)
    if other != index:
        with pytest.raises(InclusionError):
            verify_inclusion(ROWS[index], other, size, proof, naive_root(0, size))


@quick
@given(sizes, st.data())
def test_a_proof_too_long_or_too_short_fails(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    inclusion, consistency = inclusion_proof(index, size, small_node), consistency_proof(index, size, small_node)
    root = naive_root(0, size)
    for proof in ([*inclusion, root], [root, *inclusion], inclusion[:-1] or [b""]):
        with pytest.raises(InclusionError):
            verify_inclusion(ROWS[index], index, size, proof, root)
    for proof in ([*consistency, root], [root, *consistency], consistency[:-1] or [b""]):
        with pytest.raises(ConsistencyError):
            verify_consistency(index, size, naive_root(0, index), root, proof)


def test_a_proof_of_another_length_fails_even_when_the_root_was_made_to_match() -> None:
    leaf, other = leaf_hash(ROWS[0]), leaf_hash(ROWS[1])
    for size, proof, root in (
        (1, [other], node_hash(other, leaf)),
        (5, [other], node_hash(leaf, other)),
        (2, [b"short"], node_hash(leaf, b"short")),
    ):
        with pytest.raises(InclusionError):
            verify_inclusion(ROWS[0], 0, size, proof, root)
    for old_size, new_size, proof, new_root in (
        (1, 5, [other], node_hash(leaf, other)),
        (1, 2, [other, other], node_hash(other, node_hash(leaf, other))),
        (3, 5, [], leaf),
        (4, 5, [], leaf),
        (1, 2, [b"short"], node_hash(leaf, b"short")),
    ):
        with pytest.raises(ConsistencyError):
            verify_consistency(old_size, new_size, leaf, new_root, proof)


def test_a_tree_with_a_row_replaced_does_not_extend_the_old_one() -> None:
    forged = LedgerInMemory([*ROWS[:3], b"another row", *ROWS[4:20]])
    for old_size in range(4, 20):
        proof = consistency_proof(old_size, 20, forged.nodes())
        with pytest.raises(ConsistencyError):
            verify_consistency(old_size, 20, naive_root(0, old_size), forged.frontier.root(), proof)


def test_trees_of_equal_size_and_empty_trees_have_one_root() -> None:
    verify_consistency(0, 0, EMPTY_ROOT, EMPTY_ROOT, [])
    for old_size, new_size, old_root, new_root in (
        (0, 0, EMPTY_ROOT, ROWS[0]),
        (0, 5, ROWS[0], naive_root(0, 5)),
        (5, 5, naive_root(0, 5), naive_root(0, 6)),
        (6, 5, naive_root(0, 6), naive_root(0, 5)),
        (4, 5, naive_root(0, 4), naive_root(0, 4)),
    ):
        with pytest.raises(ConsistencyError):
            verify_consistency(old_size, new_size, old_root, new_root, [])


def test_an_inner_node_cannot_pass_for_a_row() -> None:
    left, right = leaf_hash(ROWS[0]), leaf_hash(ROWS[1])
    assert node_hash(left, right) == naive_root(0, 2)
    with pytest.raises(InclusionError):
        verify_inclusion(left + right, 0, 1, [], naive_root(0, 2))


def test_proofs_outside_the_tree_are_refused() -> None:
    for index, size in ((0, 0), (5, 5), (-1, 5)):
        with pytest.raises(OutsideTreeError):
            inclusion_proof(index, size, small_node)
    for old_size, new_size in ((6, 5), (-1, 5)):
        with pytest.raises(OutsideTreeError):
            consistency_proof(old_size, new_size, small_node)
    with pytest.raises(OutsideTreeError):
        LedgerInMemory(ROWS[:5]).nodes()(2, 1)


def test_a_ledger_with_fewer_rows_than_the_tree_is_noticed() -> None:
    ledger = LedgerInMemory(ROWS)
    with pytest.raises(MissingRowError):
        inclusion_proof(3, 301, Nodes(ledger, ledger, 301))
