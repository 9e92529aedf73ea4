-- name: table
create table availability_{v} (
  product_id   uuid          not null primary key,
  partner_ids  uuid[]        not null,
  levels       text[]        not null,
  quantities   bigint[]      not null,
  expected_ons date[]        not null,
  reported_ats timestamptz[] not null
);

-- name: view
-- One row for each who has it; without a partner it is us.
create view availability as
  select v.product_id, p.name as product_name, p.sku, r.partner_id, n.name as partner_name, r.level, r.quantity,
         r.expected_on, r.reported_at
    from availability_{v} v
    cross join lateral unnest(v.partner_ids, v.levels, v.quantities, v.expected_ons, v.reported_ats)
      r(partner_id, level, quantity, expected_on, reported_at)
    left join products p on p.product_id = v.product_id
    left join partners n on n.partner_id = r.partner_id;
