-- name: table
create table orders_{v} (
  order_id     uuid        not null primary key,
  subject_id   uuid        not null,
  number       text        not null,
  kind         text        not null,
  lines        integer     not null,
  units        bigint      not null,
  total_minor  bigint      not null,
  currency     text        not null,
  placed_at    timestamptz not null,
  amendments   integer     not null,
  shipments    integer     not null,
  shipped_at   timestamptz,
  cancelled_at timestamptz,
  reason       text,
  seller_id    uuid,
  country      text,
  channel      text,
  note         text
) with (fillfactor = 80);
create index on orders_{v} (subject_id, placed_at);
create index on orders_{v} (placed_at);

-- name: view
-- An anonymous order is its own subject: until its customer is identified it has none.
create view orders as
  select o.*, nullif(coalesce(a.customer_id, o.subject_id), o.order_id) as customer_id,
         c.name as customer_name, e.name as seller_name
    from orders_{v} o
    left join alias a on a.subject_id = o.subject_id
    left join customer_profile c on c.customer_id = coalesce(a.customer_id, o.subject_id)
    left join employees e on e.employee_id = o.seller_id;

-- name: views
-- What each customer has ordered in each currency; what was cancelled does not count.
create view orders_by_customer as
  select customer_id, customer_name, currency,
         count(*) filter (where kind = 'sale') as sales, count(*) filter (where kind = 'return') as returns,
         count(*) filter (where kind = 'adjustment') as adjustments, whole(sum(total_minor)) as total_minor,
         min(placed_at) as first_at, max(placed_at) as last_at
    from orders where customer_id is not null and cancelled_at is null group by 1, 2, 3;
