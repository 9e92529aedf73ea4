-- name: table
create table product_orders_{v} (
  order_id      uuid        not null primary key,
  subject_id    uuid        not null,
  number        text        not null,
  kind          text        not null,
  currency      text        not null,
  country       text,
  placed_at     timestamptz not null,
  cancelled_at  timestamptz,
  product_ids   uuid[]      not null,
  quantities    bigint[]    not null,
  amounts_minor bigint[]    not null
);
create index on product_orders_{v} using gin (product_ids);

-- name: view
-- Without the customer: a partner is not told who bought.
create view product_orders as
  select o.order_id, l.line::integer as line, o.number, o.kind, l.product_id, l.quantity, l.amount_minor, o.currency,
         o.country, o.placed_at, o.cancelled_at
    from product_orders_{v} o
    cross join lateral unnest(o.product_ids, o.quantities, o.amounts_minor)
      with ordinality l(product_id, quantity, amount_minor, line);
-- Each line of an order of a supplier's product, found through the index on the arrays.
create view supplier_orders as
  select p.supplier_id, s.name as supplier_name, o.order_id, l.line::integer as line, o.number, o.kind, p.product_id,
         p.name as product_name, p.sku, l.quantity, l.amount_minor, o.currency, o.country, o.placed_at, o.cancelled_at
    from products p
    join product_orders_{v} o on o.product_ids @> array[p.product_id]
    cross join lateral unnest(o.product_ids, o.quantities, o.amounts_minor)
      with ordinality l(product_id, quantity, amount_minor, line)
    left join partners s on s.partner_id = p.supplier_id
    where p.supplier_id is not null and l.product_id = p.product_id;
