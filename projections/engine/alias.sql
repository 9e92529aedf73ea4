-- name: table
create table alias_{v} (
  subject_id  uuid        not null primary key,
  customer_id uuid        not null,
  since       timestamptz not null
) with (fillfactor = 90);
create index on alias_{v} (customer_id);

-- name: view
-- Resolved: an anonymous order's buyer may have been merged since. More steps cannot be: who absorbed others is not merged.
create view alias as
  select a.subject_id, coalesce(b.customer_id, a.customer_id) as customer_id, a.customer_id as direct_id, a.since
    from alias_{v} a left join alias_{v} b on b.subject_id = a.customer_id;

-- name: views
-- The surviving customer's id; for single questions. In a view: left join alias a on a.subject_id = t.customer_id.
create or replace function customer_of(subject uuid) returns uuid language sql stable parallel safe
  as $$ select coalesce((select a.customer_id from {schema}.alias a where a.subject_id = subject), subject) $$;
-- A customer's own id and every id that goes on under it, each step by an index.
create or replace function known_as(customer uuid) returns setof uuid language sql stable parallel safe rows 2
  as $$ select customer
        union all select a.subject_id from {schema}.alias a where a.direct_id = customer
        union all select b.subject_id from {schema}.alias a join {schema}.alias b on b.direct_id = a.subject_id
                   where a.direct_id = customer $$;
