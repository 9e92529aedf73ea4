-- Across the read models of partners: which product is whose, another subject knows.

-- What was sold of each product of a supplier; what was cancelled does not count, what was returned counts against.
create view supplier_sales as
  select p.supplier_id, s.name as supplier_name, p.product_id, p.name as product_name, o.currency,
         count(distinct o.order_id) as orders, whole(sum(o.quantity)) as quantity,
         whole(sum(o.amount_minor)) as amount_minor, max(o.placed_at) as last_order_at
    from product_orders o
    join products p on p.product_id = o.product_id
    left join partners s on s.partner_id = p.supplier_id
    where p.supplier_id is not null and o.cancelled_at is null group by 1, 2, 3, 4, 5;
