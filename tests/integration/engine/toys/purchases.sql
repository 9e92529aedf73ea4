-- name: table
create table purchases_{v} (
  order_id    uuid        not null primary key,
  customer_id uuid        not null,
  number      text        not null,
  currency    text        not null,
  total_minor bigint      not null,
  lines       integer     not null,
  seller_id   uuid,
  placed_at   timestamptz not null
);
create index on purchases_{v} (customer_id);

-- name: view
create view purchases as
  select p.*, coalesce(a.customer_id, p.customer_id) as buyer_id
    from purchases_{v} p left join alias a on a.subject_id = p.customer_id;
