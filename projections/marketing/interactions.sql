-- name: table
create table interactions_{v} (
  subject_id       uuid    not null primary key,
  inbound          integer not null,
  outbound         integer not null,
  internal         integer not null,
  first_contact_at timestamptz,
  last_contact_at  timestamptz
) with (fillfactor = 80);

-- name: view
create view interactions as
  select i.*, coalesce(a.customer_id, i.subject_id) as customer_id
    from interactions_{v} i left join alias a on a.subject_id = i.subject_id;
