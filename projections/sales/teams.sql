-- name: table
create table teams_{v} (
  team_id    uuid not null primary key,
  name       text not null,
  region     text,
  manager_id uuid
);
