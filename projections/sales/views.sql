-- Across the read models of sales: what a partner has of a product, the partner's own fact does not know by name.

-- What can be sold now: the price, how much we have, and what the supplier said they have.
create view product_availability as
  select p.product_id, p.name, p.sku, p.series, p.category, p.price_minor, p.currency,
         o.level, o.quantity, o.expected_on, o.reported_at, p.supplier_id, n.name as supplier_name,
         s.level as supplier_level, s.quantity as supplier_quantity, s.expected_on as supplier_expected_on,
         s.reported_at as supplier_reported_at
    from products p
    left join availability o on o.product_id = p.product_id and o.partner_id is null
    left join availability s on s.product_id = p.product_id and s.partner_id = p.supplier_id
    left join partners n on n.partner_id = p.supplier_id
    where p.withdrawn_at is null;
