-- name: table
create table feeds_{v} (
  feed_id         uuid        not null primary key,
  agreement_id    uuid        not null,
  acknowledged    bigint      not null,
  acknowledged_at timestamptz,
  closed_at       timestamptz,
  closing         text
);
create index on feeds_{v} (agreement_id);
