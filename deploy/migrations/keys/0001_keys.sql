-- Keys live in a database of their own, with short backups: what is destroyed here is gone everywhere.
create schema keys;

-- One key per person and purpose, wrapped by the master key. Only a tombstone means erased.
create table keys.person_key (
  key_id       uuid        not null primary key,
  person_id    uuid        not null,
  purpose      text        not null,
  wrapped      bytea,                                -- null once destroyed
  created_at   timestamptz not null default clock_timestamp(),
  destroyed_at timestamptz,
  unique (person_id, purpose),
  check ((wrapped is null) = (destroyed_at is not null))
) with (autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0);  -- a destroyed key's bytes go with its dead row
-- Erased persons, also those that never had a key: none is made for them again. Whoever remembers keys looks at the last
-- number from time to time; it grows with each erasure, since one erases at a time.
create table keys.tombstone (
  person_id uuid        not null primary key,
  number    bigint      not null generated always as identity unique,
  erased_at timestamptz not null default clock_timestamp()
);
-- The installation's own secrets, wrapped by the master key: for derived ids and fingerprints, and the checkpoint's signer.
create table keys.secret (
  name    text  not null primary key,
  wrapped bytea not null
);

create function keys.refuse() returns trigger language plpgsql as
$$ begin raise 'an erasure cannot be undone' using errcode = 'restrict_violation'; end $$;
create trigger tombstones_stay before update or delete or truncate on keys.tombstone for each statement execute function keys.refuse();
create trigger keys_stay before delete or truncate on keys.person_key for each statement execute function keys.refuse();
create trigger keys_are_only_destroyed before update on keys.person_key for each row when (new.wrapped is not null)
  execute function keys.refuse();

revoke all on schema keys from public;
grant usage on schema keys to relato_app;
grant select, insert on all tables in schema keys to relato_app;
grant update (wrapped, destroyed_at) on keys.person_key to relato_app;
