-- name: table
create table employees_{v} (
  employee_id uuid        not null primary key,
  hired_at    timestamptz not null,
  left_at     timestamptz,
  name        text,
  reference   text,
  role        text,
  region      text,
  team_id     uuid,
  manager_id  uuid,
  erased      boolean     not null
);
