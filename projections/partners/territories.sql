-- name: table
create table territories_{v} (
  territory_id uuid          not null primary key,
  name         text          not null,
  countries    text[]        not null,
  formed_at    timestamptz   not null,
  closed_at    timestamptz,
  coverage     jsonb         not null,
  partner_ids  uuid[]        not null,
  valid_froms  timestamptz[] not null,
  valid_untils timestamptz[] not null
);

-- name: view
create view territories as select territory_id, name, countries, formed_at, closed_at from territories_{v};
-- Who was, is or will be responsible for which countries: a row for as long as both stay the same. It ends with the
-- territory, and with the partner.
create view territory_partners as
  select d.*, d.responsible_from <= now() and coalesce(now() < d.responsible_until, true) as is_current
    from (select t.territory_id, t.name as territory_name, c.countries, a.partner_id, n.name as partner_name,
                 greatest(c.since, a.valid_from) as responsible_from,
                 least(c.until, a.valid_until, t.closed_at, n.removed_at) as responsible_until
            from territories_{v} t
            cross join lateral unnest(t.partner_ids, t.valid_froms, t.valid_untils) a(partner_id, valid_from, valid_until)
            cross join lateral (
              select countries, since, lead(since) over (order by since) as until
                from jsonb_to_recordset(t.coverage) as e(countries text[], since timestamptz)) c
            left join partners n on n.partner_id = a.partner_id) d
    where d.responsible_until is null or d.responsible_from < d.responsible_until;
