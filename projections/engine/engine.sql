-- What the engine keeps beside the read models, in the schema of a service.

-- name: functions
-- A sum as it is shown: null where no bigint holds it, so that nobody's huge numbers keep the others' rows from being read.
create or replace function whole(total numeric) returns bigint language sql immutable parallel safe
  as $$ select case when abs(total) < 9223372036854775807 then total::bigint end $$;

-- name: tables
create sequence projection_worker_number;
-- Each table of a read model. live: what readers see; standby: folded too, to be switched to; building: a rebuild's own.
create table projection_build (
  table_name text     not null primary key,
  model      text     not null,
  version    smallint not null,
  suffix     text     not null,
  state      text     not null check (state in ('building', 'standby', 'live')),
  is_trial   boolean  not null default false,        -- made to be compared, then dropped: never switched to
  made_at    timestamptz not null default clock_timestamp()
);
create unique index projection_build_live on projection_build (model) where state = 'live';
-- Who is there: `crew` is `live` or the rebuild's table. A worker that has not been seen for a term is gone.
create table projection_worker (
  crew    text   not null,
  worker  bigint not null,
  seen_at timestamptz not null default clock_timestamp(),
  primary key (crew, worker)
);
create table projection_lease (
  crew       text     not null,
  partition  smallint not null,
  worker     bigint   not null default 0,
  expires_at timestamptz not null default '-infinity',
  primary key (crew, partition)
) with (fillfactor = 50);
-- How far each build has come. Only the worker that opened the partition last can move it: that is the fence.
create table projection_bookmark (
  table_name text     not null,
  partition  smallint not null,
  seq        bigint   not null default 0,
  worker     bigint   not null default 0,
  primary key (table_name, partition)
) with (fillfactor = 50);
create table projection_parked (
  table_name    text     not null,
  partition     smallint not null,
  partition_seq bigint   not null,
  subject_id    uuid     not null,
  type          text     not null,
  cause         text     not null,
  is_unknown    boolean  not null,
  parked_at     timestamptz not null default clock_timestamp(),
  primary key (table_name, partition, partition_seq)
);
create index projection_parked_subject on projection_parked (table_name, subject_id);
-- What the breaker stopped, and in which worker: its partitions of that table wait.
create table projection_stop (
  table_name text   not null,
  worker     bigint not null,
  reason     text   not null,
  stopped_at timestamptz not null default clock_timestamp(),
  primary key (table_name, worker)
);
create table projection_views (
  only_one boolean primary key default true check (only_one),
  digest   text not null
);

-- name: take_bookmarks
-- By the holder of the leases only; from then on nobody else can move these bookmarks.
update projection_bookmark b set worker = %(worker)b
  from projection_lease l
  where l.crew = %(crew)b and l.worker = %(worker)b and l.partition = b.partition
    and b.table_name = any(%(tables)b) and b.partition = any(%(partitions)b)
  returning b.table_name, b.partition, b.seq

-- name: hold_leases
-- Nobody can claim these partitions until the transaction ends.
select partition from projection_lease where crew = %(crew)b and worker = %(worker)b and partition = any(%(partitions)b)
  order by partition for update

-- name: make_bookmarks
insert into projection_bookmark (table_name, partition)
  select t, p from unnest(%(tables)b::text[]) t, unnest(%(partitions)b::smallint[]) p on conflict do nothing

-- name: move_bookmarks
update projection_bookmark b set seq = n.seq
  from unnest(%(partitions)b::smallint[], %(was)b::bigint[], %(now)b::bigint[]) n(partition, was, seq)
  where b.table_name = any(%(tables)b::text[]) and b.partition = n.partition and b.seq = n.was and b.worker = %(worker)b

-- name: confirm_bookmarks
-- For a transaction that moves none: whether the partitions are still this worker's.
select table_name, partition from projection_bookmark
  where table_name = any(%(tables)b::text[]) and partition = any(%(partitions)b::smallint[]) and worker = %(worker)b for update

-- name: park
insert into projection_parked (table_name, partition, partition_seq, subject_id, type, cause, is_unknown)
  select * from unnest(%b::text[], %b::smallint[], %b::bigint[], %b::uuid[], %b::text[], %b::text[], %b::boolean[])

-- name: stuck_subjects
select distinct table_name, subject_id from projection_parked
  where table_name = any(%(tables)b::text[]) and partition = any(%(partitions)b::smallint[])

-- name: readable_subjects
-- Subjects that wait for a type which this code knows.
select distinct table_name, partition, subject_id from projection_parked
  where is_unknown and type = any(%(types)b::text[])
    and table_name = any(%(tables)b::text[]) and partition = any(%(partitions)b::smallint[])

-- name: pointers
select partition, partition_seq from projection_parked where table_name = %(table)b and subject_id = %(subject_id)b
  order by 1, 2

-- name: unpark
delete from projection_parked where table_name = %(table)b and subject_id = %(subject_id)b
  returning partition, partition_seq

-- name: list_parked
select p.table_name, p.partition, p.partition_seq, p.subject_id, p.type, p.cause, p.is_unknown, p.parked_at,
       b.model, b.state
  from projection_parked p join projection_build b using (table_name)
  where %(model)s::text is null or b.model = %(model)s
  order by b.model, p.subject_id, p.partition_seq limit %(limit)s

-- name: parked_subjects
select b.model, p.partition, p.subject_id from projection_parked p join projection_build b using (table_name)
  where b.state <> 'building' and (%(model)s::text is null or b.model = %(model)s)
    and (%(subject_id)s::uuid is null or p.subject_id = %(subject_id)s)
  group by 1, 2, 3 order by 1, 2, 3

-- name: enlist
insert into projection_lease (crew, partition)
  select %(crew)s, p from generate_series(0, %(partitions)s - 1) p on conflict do nothing

-- name: next_worker
select nextval('projection_worker_number')

-- name: be_seen
insert into projection_worker (crew, worker) values (%(crew)s, %(worker)s)
  on conflict (crew, worker) do update set seen_at = clock_timestamp()

-- name: forget_the_gone
delete from projection_worker where crew = %(crew)s and seen_at < clock_timestamp() - %(term)s

-- name: count_crew
select count(*) from projection_worker where crew = %(crew)s and seen_at >= clock_timestamp() - %(term)s

-- name: record_stop
insert into projection_stop (table_name, worker, reason) values (%(table)s, %(worker)s, %(reason)s)
  on conflict (table_name, worker) do update set reason = excluded.reason, stopped_at = clock_timestamp()

-- name: forget_stops
-- Those of workers that are gone: who begins now tries again.
delete from projection_stop s where not exists (
  select from projection_worker w where w.crew = %(crew)s and w.worker = s.worker and w.seen_at >= clock_timestamp() - %(term)s)

-- name: list_stops
-- While workers are there only theirs count; when all are gone, what they said last.
with present as (
  select worker from projection_worker where crew = %(crew)s and seen_at >= clock_timestamp() - %(term)s)
select distinct on (b.model) b.model, s.reason, s.stopped_at
  from projection_stop s join projection_build b using (table_name)
  where b.state = 'live' and (s.worker in (select worker from present) or not exists (select from present))
  order by b.model, s.stopped_at

-- name: prolong
update projection_lease set expires_at = clock_timestamp() + %(term)s where crew = %(crew)s and worker = %(worker)s
  returning partition

-- name: give_back
update projection_lease set worker = 0, expires_at = '-infinity'
  where crew = %(crew)s and worker = %(worker)s and partition = any(%(partitions)s)

-- name: take_free
update projection_lease set worker = %(worker)s, expires_at = clock_timestamp() + %(term)s
  where crew = %(crew)s and partition in (
    select partition from projection_lease where crew = %(crew)s and expires_at < clock_timestamp()
      order by partition limit %(limit)s for update skip locked)
  returning partition

-- name: seize
update projection_lease set worker = %(worker)s, expires_at = clock_timestamp() + %(term)s
  where crew = %(crew)s and partition = any(%(partitions)s)

-- name: release
update projection_lease set worker = 0, expires_at = '-infinity' where crew = %(crew)s and worker = %(worker)s

-- name: leave
delete from projection_worker where crew = %(crew)s and worker = %(worker)s
