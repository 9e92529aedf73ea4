-- name: table
create table purchases_{v} (
  order_id     uuid        not null primary key,
  subject_id   uuid        not null,
  kind         text        not null,
  currency     text        not null,
  amount_minor bigint      not null,
  placed_at    timestamptz not null,
  day          date        not null,
  cancelled    boolean     not null
) with (fillfactor = 90);
create index on purchases_{v} (subject_id);

-- name: view
-- An anonymous order is its own subject: until its customer is identified it has none.
create view purchases as
  select p.*, nullif(coalesce(a.customer_id, p.subject_id), p.order_id) as customer_id
    from purchases_{v} p left join alias a on a.subject_id = p.subject_id;
