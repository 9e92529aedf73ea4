-- name: table
create table endpoints_{v} (
  endpoint_id  uuid        not null primary key,
  agreement_id uuid        not null,
  url          text        not null,
  signing      text        not null,
  state        text        not null,
  reason       text,
  added_at     timestamptz not null,
  changed_at   timestamptz not null
);

-- name: view
create view endpoints as
  select e.*, a.partner_id, a.partner_name
    from endpoints_{v} e left join agreements a on a.agreement_id = e.agreement_id;
