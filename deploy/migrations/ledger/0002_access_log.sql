-- Who read whose personal data: append-only, under checkpoints of its own. It holds no values. No index finds a person: it
-- would cost every reading three times what writing it costs, and an audit may take its time.
create schema access;

create table access.reading (
  position    bigint      not null primary key,      -- 1, 2, 3 .. without gaps
  recorded_at timestamptz not null,                  -- never runs backwards along position
  principal   text        not null,
  route       text        not null,                  -- the route's template, or the command line's command
  people      integer     not null,                  -- how many
  persons     uuid[]      not null,                  -- whose values were opened
  hash        bytea       not null,                  -- sha256(record_send(all columns before this one))
  check (people = cardinality(persons) and people between 1 and 2000)
);

-- Appends what [{"principal", "route", "persons": "id,id"}] holds, in its order. One at a time, so that no position is missing.
create function access.record(readings jsonb) returns void language plpgsql security definer
set search_path = access, pg_catalog, pg_temp as $$
declare
  last_position bigint;
  last_at timestamptz;
begin
  perform pg_advisory_xact_lock(7307);
  select position, recorded_at into last_position, last_at from reading order by position desc limit 1;
  with given as (
    select number, reading, string_to_array(reading ->> 'persons', ',')::uuid[] as persons
      from jsonb_array_elements(readings) with ordinality as r (reading, number)),
  placed as (
    select coalesce(last_position, 0) + number as position, greatest(clock_timestamp(), last_at) as recorded_at,
           reading ->> 'principal' as principal, reading ->> 'route' as route, cardinality(persons) as people, persons
      from given)
  insert into reading select p.*, sha256(record_send(p)) from placed p order by position;
end $$;

create table access.merkle_node (
  level smallint not null,                           -- 8, 16, 24: the root of 2^level rows
  index bigint   not null,
  hash  bytea    not null,
  primary key (level, index)
);
create table access.checkpoint (
  size      bigint      not null primary key,        -- so many rows are covered
  root      bytea       not null,
  frontier  bytea       not null,                    -- the complete subtrees, to go on from
  note      text        not null,                    -- the signed head as auditors get it
  signed_at timestamptz not null default clock_timestamp()
);

revoke all on schema access from public;
revoke all on all functions in schema access from public;
grant usage on schema access to relato_app;
grant select on all tables in schema access to relato_app;
grant execute on function access.record to relato_app;
grant insert on access.checkpoint, access.merkle_node to relato_app;
