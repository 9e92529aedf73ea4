-- name: table
create table partners_{v} (
  partner_id uuid not null primary key,
  name       text not null,
  kind       text not null,
  country    text,
  removed_at timestamptz
);
