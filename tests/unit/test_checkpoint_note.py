"""Signed checkpoints against other implementations' notes, and what must not be accepted."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.checkpoints.note import (
    BadSignatureError,
    Checkpoint,
    MalformedCheckpointError,
    MalformedKeyError,
    MalformedNoteError,
    NoteError,
    UnknownSignerError,
    Verifier,
    open_note,
    open_text,
    sign,
)

quick = settings(max_examples=60, deadline=None, database=None)

NAME = "relato.example/ledger"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
VERIFIER = Verifier.of(NAME, KEY)
CHECKPOINT = Checkpoint(NAME, 20_852_163, bytes(range(32)))
NOTE = sign(CHECKPOINT, NAME, KEY)
LINE_CHARACTERS = "aZ09+/= -—éç\x7f\x85\u00a0\u2028\U0001f600"

GO_VERIFIER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_SIGNATURE = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="

SUMDB_VERIFIER = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
SUMDB_NOTE = """\
go.sum database tree
15081221
BoMMe1wd25Tco0mYGROkyqxHZWx+hcSCtMV315Lu6Lg=

— sum.golang.org Az3grilD7vQqTrv66jRgKM84Y80KTprrSt4bKmiOPxgmS5ZVBTeCl6dUvjYnN13R+C8j0jGY1WnUADGMkok3U0m2Zgo=
"""


def test_a_note_signed_by_gos_own_implementation_opens() -> None:
    note = f"{GO_TEXT}\n— PeterNeumann {GO_SIGNATURE}\n"
    assert open_text(note, Verifier.parse(GO_VERIFIER)) == GO_TEXT


def test_a_checkpoint_of_gos_checksum_database_opens() -> None:
    checkpoint = open_note(SUMDB_NOTE, Verifier.parse(SUMDB_VERIFIER))
    assert (checkpoint.origin, checkpoint.size) == ("go.sum database tree", 15_081_221)
    assert checkpoint.text() == SUMDB_NOTE.partition("\n\n")[0] + "\n"


def test_a_signed_checkpoint_reads_as_the_standard_says() -> None:
    text, signature = NOTE.split("\n\n")
    assert text == f"{NAME}\n20852163\n{base64.b64encode(bytes(range(32))).decode()}"
    assert signature.startswith(f"— {NAME} ")
    assert base64.b64decode(signature.split(" ")[2])[:4] == VERIFIER.key_id
    assert open_note(NOTE, VERIFIER) == CHECKPOINT


@quick
@given(
    st.text(LINE_CHARACTERS, min_size=1),
    st.integers(0, 2**62),
    st.binary(min_size=32, max_size=32),
    st.lists(st.text(LINE_CHARACTERS, min_size=1), max_size=3),
)
def test_what_is_signed_is_what_is_opened(origin: str, size: int, root: bytes, extensions: list[str]) -> None:
    checkpoint = Checkpoint(origin, size, root, tuple(extensions))
    assert open_note(sign(checkpoint, NAME, KEY), VERIFIER) == checkpoint


@pytest.mark.parametrize("text", [str(VERIFIER), GO_VERIFIER, SUMDB_VERIFIER])
def test_a_verifier_key_survives_its_text_form(text: str) -> None:
    assert str(Verifier.parse(text)) == text


@quick
@given(st.integers(0, len(NOTE) - 1), st.sampled_from(LINE_CHARACTERS + "\n\t\x00"))
def test_a_note_with_one_character_changed_is_refused(place: int, character: str) -> None:
    altered = NOTE[:place] + character + NOTE[place + 1 :]
    if altered != NOTE:
        with pytest.raises(NoteError):
            open_note(altered, VERIFIER)


def test_a_note_with_one_signature_bit_changed_is_refused() -> None:
    head, _, encoded = NOTE.rstrip("\n").rpartition(" ")
    signature = base64.b64decode(encoded)
    for bit in range(32, len(signature) * 8):
        altered = bytearray(signature)
        altered[bit // 8] ^= 1 << bit % 8
        with pytest.raises(BadSignatureError):
            open_note(f"{head} {base64.b64encode(altered).decode()}\n", VERIFIER)


def test_a_truncated_note_is_refused_wherever_it_ends() -> None:
    for end in range(len(NOTE)):
        with pytest.raises(NoteError):
            open_note(NOTE[:end], VERIFIER)


def test_a_note_by_another_key_of_the_same_name_is_not_ours() -> None:
    with pytest.raises(UnknownSignerError):
        open_note(sign(CHECKPOINT, NAME, OTHER_KEY), VERIFIER)


def test_another_keys_signature_under_our_key_id_is_a_bad_one() -> None:
    forged = base64.b64encode(VERIFIER.key_id + OTHER_KEY.sign(CHECKPOINT.text().encode())).decode()
    with pytest.raises(BadSignatureError):
        open_note(f"{CHECKPOINT.text()}\n— {NAME} {forged}\n", VERIFIER)


def test_a_signature_of_the_wrong_length_is_a_bad_one() -> None:
    short = base64.b64encode(VERIFIER.key_id + b"short").decode()
    with pytest.raises(BadSignatureError):
        open_note(f"{CHECKPOINT.text()}\n— {NAME} {short}\n", VERIFIER)


def test_cosignatures_of_unknown_witnesses_are_ignored_and_none_hides_a_bad_one_of_ours() -> None:
    witness = sign(CHECKPOINT, "witness.example/w1", OTHER_KEY).split("\n\n")[1]
    assert open_note(NOTE + witness * 16, VERIFIER) == CHECKPOINT
    forged = base64.b64encode(VERIFIER.key_id + b"\x00" * 64).decode()
    with pytest.raises(BadSignatureError):
        open_note(f"{NOTE}— {NAME} {forged}\n", VERIFIER)


@pytest.mark.parametrize(
    "note",
    [
        "",
        "\n\n",
        CHECKPOINT.text(),
        CHECKPOINT.text() + "\n",
        NOTE + "\n",
        NOTE.replace("— ", "- "),
        NOTE.replace("— ", "—  "),
        NOTE.replace("\n", "\r\n"),
        NOTE.replace("relato", "rel\tato"),
        NOTE.replace("relato", "rel\ud800ato"),
        "x" * 1_000_001 + NOTE,
    ],
)
def test_what_is_no_signed_note_is_refused_as_malformed(note: str) -> None:
    with pytest.raises(MalformedNoteError):
        open_note(note, VERIFIER)


ROOT = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "log\n",
        f"log\n5\n{ROOT}",
        f"\n5\n{ROOT}\n",
        f"log\n05\n{ROOT}\n",
        f"log\n-5\n{ROOT}\n",
        f"log\n+5\n{ROOT}\n",
        f"log\n\u0665\n{ROOT}\n",
        f"log\n{10**19}\n{ROOT}\n",
        f"log\n5\n{ROOT[:-1]}\n",
        f"log\n5\n{ROOT[:-2]}B=\n",
        f"log\n5\n{base64.b64encode(bytes(31)).decode()}\n",
        f"log\n5\n{ROOT}é\n",
        f"log\n5\n{ROOT}\n\n",
        f"log\n5\n{ROOT}\nextension\n\nanother\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(MalformedCheckpointError):
        Checkpoint.parse(text)


@pytest.mark.parametrize(
    "checkpoint",
    [
        Checkpoint("", 5, bytes(32)),
        Checkpoint("two\nlines", 5, bytes(32)),
        Checkpoint("log", -5, bytes(32)),
        Checkpoint("log", 5, bytes(31)),
        Checkpoint("log", 5, bytes(32), ("",)),
        Checkpoint("log", 5, bytes(32), ("one\ntwo",)),
        Checkpoint("log\r", 5, bytes(32)),
        Checkpoint("log\ud800", 5, bytes(32)),
    ],
)
def test_what_no_reader_would_take_back_is_not_signed(checkpoint: Checkpoint) -> None:
    with pytest.raises(MalformedCheckpointError):
        sign(checkpoint, NAME, KEY)


def _key_text(name: str, typed_key: bytes) -> str:
    return f"{name}+{VERIFIER.key_id.hex()}+{base64.b64encode(typed_key).decode()}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        NAME,
        str(VERIFIER)[:-1],
        str(VERIFIER) + "\n",
        str(VERIFIER).upper(),
        _key_text("another.name", b"\x01" + VERIFIER.public_key),
        _key_text(NAME, b"\x02" + VERIFIER.public_key),
        _key_text(NAME, b"\x01" + VERIFIER.public_key[:-1]),
        str(Verifier("", VERIFIER.public_key)),
        str(Verifier("two words", VERIFIER.public_key)),
        "\ud800+00000000+AA==",
    ],
)
def test_what_is_no_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(MalformedKeyError):
        Verifier.parse(text)


@pytest.mark.parametrize("name", ["", "two words", "with+plus", "non\u00a0breaking"])
def test_a_name_that_no_signature_line_can_carry_is_refused(name: str) -> None:
    with pytest.raises(MalformedKeyError):
        sign(CHECKPOINT, name, KEY)
