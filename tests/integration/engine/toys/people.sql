-- name: table
create table people_{v} (
  customer_id uuid    not null primary key,
  stage       text    not null,
  name        text,
  source      text    check (source <> 'refused'),
  points      jsonb   not null,
  needs       text[]  not null,
  changes     integer not null
);

-- name: views
create view prospects as select p.customer_id, p.name from people p where p.stage = 'prospect';
