-- name: table
create table customer_places_{v} (
  customer_id uuid          not null primary key,
  countries   text[]        not null,
  since       timestamptz[] not null
);

-- name: views
-- Whose a customer was, is or will be: where they were, in a territory that covered it, while a partner had that. Who was
-- merged away goes on as another.
create view responsibilities as
  select d.*, d.responsible_from <= now() and coalesce(now() < d.responsible_until, true) as is_current
    from (select w.customer_id, w.country, t.territory_id, t.territory_name, t.partner_id, t.partner_name,
                 greatest(w.since, t.responsible_from) as responsible_from,
                 least(w.until, t.responsible_until) as responsible_until
            from (select p.customer_id, u.country, u.since, u.until
                    from customer_places p
                    cross join lateral unnest(p.countries, p.since, p.since[2:]) u(country, since, until)) w
            join territory_partners t on w.country = any(t.countries)
           where not exists (select from alias a where a.subject_id = w.customer_id)) d
    where d.responsible_until is null or d.responsible_from < d.responsible_until;
