-- What each audience is shown of a simulated year. "Today" is given, so that the answer is the same on every day.

-- name: pipeline
select stage, sum(opportunities)::bigint as deals,
       coalesce(sum(amount_minor) filter (where currency = 'EUR'), 0)::bigint as eur_minor,
       coalesce(sum(amount_minor) filter (where currency = 'BRL'), 0)::bigint as brl_minor,
       coalesce(sum(amount_minor) filter (where currency = 'GBP'), 0)::bigint as gbp_minor
  from pipeline_by_stage group by stage
  order by array_position(array['prospecting', 'engaging', 'proposal', 'negotiation', 'won', 'lost'], stage);

-- name: contracts_due
select customer_name, coalesce(competitor, 'us') as supplier, coalesce(title, need) as what, ends_on,
       ends_on - %(today)s::date as days_left, value_minor, currency, customer_id, count(*) over () as found
  from contracts where status = 'active' and ends_on between %(today)s::date and %(today)s::date + 90
  order by ends_on, contract_id limit 6;

-- name: best_customers
select p.name as customer_name, p.kind, %(today)s::date - r.last_day as days_since, r.frequency as sales, r.money_minor,
       r.currency, r.contacts, r.customer_id, count(*) over () as found
  from rfm r join customer_profile p on p.customer_id = r.customer_id where r.last_day is not null
  order by r.frequency desc, r.money_minor desc, r.customer_id limit 6;

-- name: prospects
select need, sum(prospects)::bigint as prospects,
       coalesce(sum(prospects) filter (where source = 'website'), 0)::bigint as website,
       coalesce(sum(prospects) filter (where source = 'fair'), 0)::bigint as fair,
       coalesce(sum(prospects) filter (where source = 'recommendation'), 0)::bigint as recommendation,
       coalesce(sum(prospects) filter (where source not in ('website', 'fair', 'recommendation')), 0)::bigint as other
  from prospects_by_need_and_source where need is not null group by need order by 2 desc, need limit 6;

-- name: ticket_queue
select priority, status, extract(day from %(now)s::timestamptz - opened_at)::integer as days_open, customer_name, summary,
       agent_name, customer_id, count(*) over () as found
  from tickets where status not in ('resolved', 'closed')
  order by array_position(array['urgent', 'high', 'normal', 'low'], priority), opened_at, ticket_id limit 6;

-- name: agents
select agent_name, resolutions, median_s, p90_s from resolution_by_agent order by resolutions desc, agent_id limit 6;

-- name: supplier
-- The one whose products were ordered most often.
select supplier_id, supplier_name from supplier_sales group by 1, 2 order by sum(orders) desc, 1 limit 1;

-- name: supplier_orders
select product_name, number, kind, quantity, amount_minor, currency, country, placed_at,
       sum(amount_minor) over () as all_minor, count(*) over () as found
  from supplier_orders where supplier_id = %(supplier)s order by placed_at desc, order_id, line limit 6;

-- name: well_known
-- Of these customers the one of whom most kinds of things are known.
select customer_id from timeline where customer_id = any(%(customers)s) group by customer_id
  order by count(distinct split_part(type, '.', 2)) desc, array_position(%(customers)s, customer_id) limit 1;

-- name: foreign_product
-- One that is somebody else's.
select product_id from products where supplier_id <> %(supplier)s and withdrawn_at is null order by sku limit 1;
