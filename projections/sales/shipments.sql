-- name: table
create table shipments_{v} (
  order_id   uuid  not null primary key,
  subject_id uuid  not null,
  shipments  jsonb not null
) with (fillfactor = 80);
create index on shipments_{v} (subject_id);

-- name: view
-- One row for each shipment; whose the order is, and who sold it, as the orders have it.
create view shipments as
  select s.order_id, e.shipment, o.number, e.status, e.carrier, e.tracking, e.lines, e.units, e.expected_on, e.shipped_at,
         e.delivered_at, e.changed_at, e.reason, e.partner_id, s.subject_id, o.customer_id, o.customer_name, o.seller_id
    from shipments_{v} s
    cross join lateral jsonb_to_recordset(s.shipments) as e(
      shipment text, status text, carrier text, tracking text, lines jsonb, units bigint, expected_on date,
      shipped_at timestamptz, delivered_at timestamptz, changed_at timestamptz, reason text, partner_id uuid)
    left join orders o on o.order_id = s.order_id;

-- name: views
-- How far each sale has come to its customer. Where one shipment does not tell what is in it, all is taken to have left.
create view order_shipping as
  select o.order_id, o.number, o.subject_id, o.customer_id, o.customer_name, o.seller_id, o.placed_at, o.units,
         s.units_sent, s.shipments, s.under_way, s.delivered, s.failed, s.returned, s.last_at,
         case when o.cancelled_at is not null then 'cancelled'
              when s.under_way + s.delivered = 0 then 'open'
              when s.units_sent < o.units then 'partly_shipped'
              when s.under_way = 0 then 'delivered'
              else 'shipped' end as status
    from orders o
    cross join lateral (
      select count(*) as shipments,
             count(*) filter (where status = 'under_way') as under_way,
             count(*) filter (where status = 'delivered') as delivered,
             count(*) filter (where status = 'failed') as failed,
             count(*) filter (where status = 'returned') as returned,
             case when bool_or(units is null) filter (where status in ('under_way', 'delivered')) then null
                  else whole(coalesce(sum(units) filter (where status in ('under_way', 'delivered')), 0)) end as units_sent,
             max(changed_at) as last_at
        from shipments where order_id = o.order_id) s
    where o.kind = 'sale';
