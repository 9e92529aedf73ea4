-- name: table
create table timeline_{v} (
  subject_id     uuid        not null,
  subject_seq    bigint      not null,
  position       bigint      not null,
  event_id       uuid        not null,
  stream_id      uuid        not null,
  stream_version bigint      not null,
  type           text        not null,
  occurred_at    timestamptz not null,
  recorded_at    timestamptz not null,
  actor          text        not null,
  origin         text        not null,
  command_id     uuid        not null,
  causation_id   uuid        not null,
  data           bytea       not null,
  primary key (subject_id, subject_seq)
);

-- name: view
-- Of what concerns no customer (a product, an employee), customer_id is its own id.
create view timeline as
  select t.subject_id, t.subject_seq, t.position, t.event_id, t.stream_id, t.stream_version, t.type, t.occurred_at,
         t.recorded_at, t.actor, t.origin, t.command_id, t.causation_id, convert_from(t.data, 'UTF8')::json as data,
         coalesce(a.customer_id, t.subject_id) as customer_id
    from timeline_{v} t left join alias a on a.subject_id = t.subject_id;
