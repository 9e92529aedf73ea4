-- The ledger: one append-only table in one gapless order. Runs as its owner; the application may read, and append
-- through one function; nobody inserts, updates or deletes.
create schema ledger;

create table ledger.fact (
  position       bigint      not null primary key,   -- 1, 2, 3 .. without gaps; its order is commit order
  partition      smallint    not null,               -- 0 .. 63: the last six bits of subject_id
  partition_seq  bigint      not null,               -- 1, 2, 3 .. in the partition
  stream_id      uuid        not null,
  stream_version bigint      not null,               -- 1, 2, 3 .. in the stream
  subject_id     uuid        not null,               -- whose order the fact keeps: the customer; fixed by the stream's first fact
  subject_seq    bigint      not null,               -- 1, 2, 3 .. of the subject
  event_id       uuid        not null,
  command_id     uuid        not null,
  correlation_id uuid        not null,
  causation_id   uuid        not null,
  occurred_at    timestamptz not null,               -- when it was true
  recorded_at    timestamptz not null,               -- when we knew; never runs backwards along position
  type           text        not null,
  actor          text        not null,
  origin         text        not null,
  data           bytea       not null check (octet_length(data) <= 262144),
  fingerprint    bytea       not null,               -- of the command, keyed: a repeat with another content is recognised
  hash           bytea       not null,               -- sha256(record_send(all columns before this one))
  unique (stream_id, stream_version),
  unique (subject_id, subject_seq),
  unique (partition, partition_seq)
);
create index fact_command on ledger.fact (command_id);
create index fact_erasure on ledger.fact (position) where type in ('crm.customer.person_erased.v1', 'crm.employee.erased.v1');
-- Which customer an anonymous subject turned out to be.
create function ledger.identified(data bytea) returns text language sql immutable parallel safe as
$$ select convert_from(data, 'UTF8')::jsonb ->> 'customer_id' $$;
create index fact_identified on ledger.fact (ledger.identified(data)) where type like 'crm.%.customer_identified.v1';

create function ledger.refuse() returns trigger language plpgsql as
$$ begin raise 'the ledger is append only' using errcode = 'restrict_violation'; end $$;
create trigger append_only before update or delete or truncate on ledger.fact
  for each statement execute function ledger.refuse();

-- A request is one caller's append: commands that are written together or not at all.
create type ledger.command as (request integer, command_id uuid);
create type ledger.expectation as (request integer, stream_id uuid, version bigint, writes boolean);
create type ledger.new_fact as (request integer, stream_id uuid, version bigint, subject_id uuid, event_id uuid, command_id uuid,
  correlation_id uuid, causation_id uuid, occurred_at timestamptz, type text, actor text, origin text, data bytea,
  fingerprint bytea);

-- Appends the facts of many requests. Requests with a command that the ledger holds come back in "known", those whose
-- expectations fail in "stale"; neither is written, and neither disturbs the others. The facts of the accepted ones take
-- the positions after "base" in the order given, and "seqs" in their partitions. A broken version sequence, or a stream of
-- another subject, makes the call fail. pg_temp stands last, or a caller's temporary table "fact" with a trigger of theirs
-- would be written instead, with the owner's rights.
-- A look for a head is bounded from below where a bound is known, and made once per partition: an index scan takes in
-- all that matches on its page before it answers the first.
create function ledger.append(facts ledger.new_fact[], commands ledger.command[], expectations ledger.expectation[],
  out base bigint, out known integer[], out stale integer[], out seqs bigint[])
language plpgsql security definer set search_path = pg_catalog, ledger, pg_temp set plan_cache_mode = force_generic_plan
set enable_seqscan = off set jit = off as $$
#variable_conflict use_column
declare
  now_at timestamptz;
begin
  perform pg_advisory_xact_lock(7305);     -- a statement of its own: those below see every append before this one
  select position, greatest(recorded_at, clock_timestamp()) into base, now_at from fact order by position desc limit 1;
  base := coalesce(base, 0);
  now_at := coalesce(now_at, clock_timestamp());

  select coalesce(array_agg(distinct c.request), '{}') into known
    from unnest(commands) c where (select true from fact f where f.command_id = c.command_id limit 1);
  select coalesce(array_agg(distinct x.request), '{}') into stale
    from (select request, not current
                 or min(request) filter (where writes and current) over (partition by stream_id) < request as failed
            from (select request, stream_id, writes, request <> all (known) and version = coalesce(
                           (select stream_version from fact f where f.stream_id = x.stream_id
                               and f.stream_version >= x.version
                             order by stream_version desc limit 1), 0) as current
                    from unnest(expectations) x) x) x
    where failed and request <> all (known);

  with accepted as (
    select n.*, base + row_number() over (order by ordinality) as position,
           (get_byte(uuid_send(n.subject_id), 15) & 63)::smallint as partition
      from unnest(facts) with ordinality n(request, stream_id, version, subject_id, event_id, command_id, correlation_id,
             causation_id, occurred_at, type, actor, origin, data, fingerprint, ordinality)
      where n.request <> all (known) and n.request <> all (stale)),
  laned as (
    select *, row_number() over (partition by partition order by position) as nth_of_partition from accepted),
  counted as (
    select a.*, coalesce(h.stream_version, 0) + row_number() over (partition by a.stream_id order by a.position) as stream_version,
           coalesce(s.subject_seq, 0) + row_number() over (partition by a.subject_id order by a.position) as subject_seq,
           coalesce(first_value(p.partition_seq) over (partition by a.partition order by a.position), 0)
             + nth_of_partition as partition_seq,
           coalesce(h.subject_id, first_value(a.subject_id) over (partition by a.stream_id order by a.position)) as owner_id
      from laned a
      left join lateral (select stream_version, subject_id, subject_seq from fact f where f.stream_id = a.stream_id
                           and f.stream_version >= a.version - cardinality(facts)
                         order by stream_version desc limit 1) h on true
      left join lateral (select subject_seq from fact f where f.subject_id = a.subject_id
                           and f.subject_seq >= coalesce(h.subject_seq, 0)
                         order by subject_seq desc limit 1) s on true
      left join lateral (select partition_seq from fact f
                         where a.nth_of_partition = 1 and f.partition = a.partition
                         order by partition_seq desc limit 1) p on true),
  placed as (
    select position, partition, partition_seq, stream_id,
           case when version = stream_version then version end as stream_version,    -- null is refused by the table
           case when owner_id = subject_id then subject_id end as subject_id,
           subject_seq, event_id, command_id, correlation_id, causation_id, occurred_at, now_at as recorded_at, type, actor,
           origin, data, fingerprint
      from counted),
  written as (
    insert into fact select p.*, sha256(record_send(p)) from placed p returning position, partition_seq)
  select coalesce(array_agg(partition_seq order by position), '{}') into seqs from written;
  notify ledger;
end $$;

-- The tree over the rows' hashes, and the signed heads: kept by the checkpointer.
create table ledger.merkle_node (
  level smallint not null,                           -- 8, 16, 24: the root of 2^level rows
  index bigint   not null,
  hash  bytea    not null,
  primary key (level, index)
);
create table ledger.checkpoint (
  size      bigint      not null primary key,        -- so many rows are covered
  root      bytea       not null,
  frontier  bytea       not null,                    -- the complete subtrees, to go on from
  note      text        not null,                    -- the signed head as auditors get it
  signed_at timestamptz not null default clock_timestamp()
);

-- Content too long for a fact, by the hash of its ciphertext.
create table ledger.content (
  hash bytea not null primary key,
  data bytea not null
);
alter table ledger.content alter column data set storage external;

-- How far the single readers by position have come: relay, eraser.
create table ledger.progress (
  name     text   not null primary key,
  position bigint not null
);

-- Imports: what was read, and how far.
create table ledger.import (
  source      text        not null,
  digest      bytea       not null,
  row_number  bigint      not null default 0,
  finished_at timestamptz,
  primary key (source, digest)
);

revoke all on schema ledger from public;
revoke all on all functions in schema ledger from public;
grant usage on schema ledger to relato_app, relato_reader;
grant select on all tables in schema ledger to relato_app, relato_reader;
grant execute on function ledger.append to relato_app;
grant execute on function ledger.identified to relato_app, relato_reader;
grant insert, update on ledger.progress, ledger.import to relato_app;
grant insert on ledger.checkpoint, ledger.merkle_node, ledger.content to relato_app;
