"""The key store in PostgreSQL, in a database of its own; and the content store beside the ledger."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from uuid import UUID

import psycopg

from adapters.ids import uuid7
from adapters.keys.ports import OtherMasterError, Owner, StoredKey
from adapters.postgres.libpq import Pool
from adapters.postgres.pooled import borrowed, open_pool
from adapters.postgres.wire import decode_int, encode_texts, encode_uuids
from domain.errors import UnavailableError

GLANCE_S = 1.0  # how often who listens looks whether we close, should nobody wake them
# Shared by those who make keys, exclusive for who destroys them or names another master key: no key is made for a
# person being erased, and none that the master key before wrapped is still under way when the new one is named.
LOCK = 7307
FIND_OWNED = (
    "select n, key_id, wrapped from unnest($1::uuid[], $2::text[]) with ordinality w(person_id, purpose, n) "
    "join keys.person_key using (person_id, purpose)"
)
FIND = "select key_id, wrapped from keys.person_key where key_id = any($1::uuid[])"
ADD_TO_SECRETS = (
    "insert into keys.secret select %s, %s where not exists (select from keys.master where print <> %s) "
    "on conflict do nothing"
)
MASTER = "select print from keys.master"
LAST_ERASURE = "select coalesce(max(number), 0) from keys.tombstone"
CREATE_KEYS = (
    "insert into keys.person_key (person_id, purpose, key_id, wrapped) "
    "select person_id, purpose, key_id, decode(wrapped, 'hex') "
    "from unnest(%s::uuid[], %s::text[], %s::uuid[], %s::text[]) w(person_id, purpose, key_id, wrapped) "
    "where not exists (select from keys.tombstone t where t.person_id = w.person_id) "
    "and not exists (select from keys.master where print <> %s) "
    "order by 1, 2 on conflict (person_id, purpose) do nothing"
)


class PostgresKeyStore:
    def __init__(self, dsn: str) -> None:
        self._dsn, self._closing = dsn, threading.Event()
        self._ours = f"closing_{uuid7().hex}"  # a channel: who listens is woken when we close
        self._listeners: list[threading.Thread] = []
        self._pool = open_pool(dsn, most=4)
        self._query = Pool(dsn, most=6)

    def find_owned(self, owners: Sequence[Owner]) -> Mapping[Owner, StoredKey]:
        persons = encode_uuids([owner.person_id for owner in owners])
        rows = self._query(FIND_OWNED, persons, encode_texts([owner.purpose for owner in owners]))
        return {
            owners[decode_int(rows.get_value(i, 0)) - 1]: _stored(rows.get_value(i, 1), rows.get_value(i, 2))
            for i in range(rows.ntuples)
        }

    def create(self, offered: Mapping[Owner, StoredKey], master: bytes) -> Mapping[Owner, StoredKey]:
        keys = offered.values()
        columns = (_array(o.person_id.hex for o in offered), _array(o.purpose for o in offered),
                   _array(k.key_id.hex for k in keys), _array((k.wrapped or b"").hex() for k in keys))  # fmt: skip
        with borrowed(self._pool) as db, db.transaction():
            db.execute("select pg_advisory_xact_lock_shared(%s)", [LOCK])
            db.execute(CREATE_KEYS, [*columns, master])
        found = self.find_owned(list(offered))  # read back after the commit: another may have been first
        if len(found) < len(offered):
            self._require(master)
        return {owner: key for owner, key in found.items() if key.wrapped is not None}

    def find(self, key_ids: Sequence[UUID]) -> Mapping[UUID, StoredKey]:
        rows = self._query(FIND, encode_uuids(key_ids))
        found = (_stored(rows.get_value(i, 0), rows.get_value(i, 1)) for i in range(rows.ntuples))
        return {key.key_id: key for key in found}

    def destroy(self, person_ids: Sequence[UUID]) -> None:
        with borrowed(self._pool) as db, db.transaction():
            db.execute("select pg_advisory_xact_lock(%s)", [LOCK])
            db.execute("insert into keys.tombstone (person_id) select unnest(%s::uuid[]) on conflict do nothing",
                       [list(person_ids)])  # fmt: skip
            db.execute("update keys.person_key set wrapped = null, destroyed_at = clock_timestamp()"
                       " where person_id = any(%s) and destroyed_at is null", [list(person_ids)])  # fmt: skip
            db.execute("notify erased")

    def erased(self, person_ids: Sequence[UUID]) -> set[UUID]:
        with borrowed(self._pool) as db:
            query = "select person_id from keys.tombstone where person_id = any(%s)"
            return {person_id for (person_id,) in db.execute(query, [list(person_ids)])}

    def last_erasure(self) -> int:
        return decode_int(self._query(LAST_ERASURE).get_value(0, 0))

    def secret(self, name: str, offered: bytes, master: bytes) -> bytes:
        with borrowed(self._pool) as db:
            db.execute("select pg_advisory_xact_lock_shared(%s)", [LOCK])
            db.execute(ADD_TO_SECRETS, [name, offered, master])
            db.commit()
        if (wrapped := self.find_secret(name)) is None:
            self._require(master)
        assert wrapped is not None
        return wrapped

    def find_secret(self, name: str) -> bytes | None:
        with borrowed(self._pool) as db:
            row = db.execute("select wrapped from keys.secret where name = %s", [name]).fetchone()
        return bytes(row[0]) if row else None

    def _require(self, master: bytes) -> None:
        """Raises OtherMasterError when the store takes only what another key wrapped."""
        with borrowed(self._pool) as db:
            named = db.execute(MASTER).fetchone()
        if named and named[0] != master:
            raise OtherMasterError(bytes(named[0]))

    def has_secrets(self) -> bool:
        """True once an installation was made on this database."""
        with borrowed(self._pool) as db:
            return db.execute("select 1 from keys.secret limit 1").fetchone() is not None

    def watch(self, on_erased: Callable[[], None]) -> None:
        self._listeners.append(threading.Thread(target=self._listen, args=[on_erased], name="erasures", daemon=True))
        self._listeners[-1].start()

    def _listen(self, on_erased: Callable[[], None]) -> None:
        """A lost connection may have missed one, so everything is forgotten then."""
        while not self._closing.is_set():
            try:
                with psycopg.connect(self._dsn, autocommit=True) as db:
                    db.execute(f"listen erased; listen {self._ours}")
                    on_erased()
                    while not self._closing.is_set():
                        for notice in db.notifies(timeout=GLANCE_S):
                            if notice.channel == self._ours:
                                break
                            on_erased()
            except psycopg.OperationalError:
                on_erased()
                self._closing.wait(0.5)

    def close(self) -> None:
        self._closing.set()
        if self._listeners:
            with suppress(UnavailableError):  # then they notice at their next glance
                self._query(f"notify {self._ours}")
        for listener in self._listeners:
            listener.join(timeout=5)
        self._pool.close()
        self._query.close()


def _stored(key_id: bytes | None, wrapped: bytes | None) -> StoredKey:
    return StoredKey(UUID(bytes=key_id), wrapped)


def _array(texts: Iterable[str]) -> str:
    """Of texts that need no quotes; psycopg, which cannot know, takes ten times as long."""
    return "{" + ",".join(texts) + "}"


class PostgresContentStore:
    def __init__(self, dsn: str) -> None:
        self._pool = open_pool(dsn, most=4)

    def put(self, contents: Mapping[bytes, bytes]) -> None:
        """Committed when it returns: a fact that names content finds it."""
        with borrowed(self._pool) as db:
            db.cursor().executemany(
                "insert into ledger.content values (%s, %s) on conflict do nothing", contents.items()
            )

    def get(self, hashes: Sequence[bytes]) -> Mapping[bytes, bytes]:
        with borrowed(self._pool) as db:
            query = "select hash, data from ledger.content where hash = any(%s)"
            return dict(db.execute(query, [list(hashes)], binary=True).fetchall())

    def close(self) -> None:
        self._pool.close()
