-- name: table
create table fields_{v} (
  field_id   uuid        not null primary key,
  name       text        not null,
  entity     text        not null,
  type       text        not null,
  clear      boolean     not null,
  choices    text[]      not null,
  defined_at timestamptz not null,
  retired_at timestamptz
);
