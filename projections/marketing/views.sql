-- Across the read models of marketing, by surviving customer: what was merged is added up, and an unmerge parts it again.

-- Recency, frequency and money in each currency: orders that stand; days are the company's, recency is whole days till now.
create view rfm as
  select p.*, floor(extract(epoch from now() - p.last_order_at) / 86400)::integer as recency_days,
         coalesce(i.contacts, 0) as contacts, i.last_contact_at
    from (select customer_id, currency,
                 count(*) filter (where kind = 'sale') as frequency,
                 count(distinct day) filter (where kind = 'sale') as order_days,
                 count(*) filter (where kind = 'return') as returns,
                 whole(sum(amount_minor)) as money_minor,
                 min(placed_at) filter (where kind = 'sale') as first_order_at,
                 max(placed_at) filter (where kind = 'sale') as last_order_at,
                 min(day) filter (where kind = 'sale') as first_day,
                 max(day) filter (where kind = 'sale') as last_day
            from purchases where customer_id is not null and not cancelled group by 1, 2) p
    left join (select customer_id, sum(inbound + outbound)::integer as contacts, max(last_contact_at) as last_contact_at
                 from interactions group by 1) i on i.customer_id = p.customer_id;

-- One comprehensive row for each surviving customer; lists are those of all its aliases together. An own field whose
-- definition is not folded yet stands under its id.
create view customers as
  select p.customer_id, p.kind, p.stage, p.name, p.reference, p.source, p.country, p.sector, p.seller_id, p.registered_at,
         p.erased,
         (select coalesce(jsonb_agg(jsonb_build_object('name', coalesce(f.name, v.key), 'type', f.type, 'value', v.value)
                                    order by coalesce(f.name, v.key), v.key), '[]')
            from jsonb_each(p.fields) v left join fields f on f.field_id = v.key::uuid) as fields,
         (select coalesce(array_agg(k order by k), '{}') from known_as(p.customer_id) k where k <> p.customer_id)
           as also_known_as,
         (select coalesce(array_agg(distinct n order by n), '{}')
            from customer_profile q cross join lateral unnest(q.needs) n
            where q.customer_id in (select k from known_as(p.customer_id) k)) as needs,
         (select coalesce(jsonb_agg(c.value order by q.registered_at, q.customer_id, c.n), '[]')
            from customer_profile q cross join lateral jsonb_array_elements(q.contacts) with ordinality c(value, n)
            where q.customer_id in (select k from known_as(p.customer_id) k)) as contacts,
         (select coalesce(jsonb_agg(c.value order by q.registered_at, q.customer_id, c.n), '[]')
            from customer_profile q cross join lateral jsonb_array_elements(q.contact_points) with ordinality c(value, n)
            where q.customer_id in (select k from known_as(p.customer_id) k)) as contact_points,
         (select coalesce(jsonb_agg(to_jsonb(m)), '[]')
            from (select currency, count(*) filter (where kind = 'sale') as orders, whole(sum(amount_minor)) as money_minor,
                         max(placed_at) filter (where kind = 'sale') as last_order_at
                    from purchases where subject_id in (select k from known_as(p.customer_id) k) and not cancelled
                    group by currency order by currency) m) as purchases,
         (select coalesce(sum(inbound + outbound), 0)::integer from interactions
            where subject_id in (select k from known_as(p.customer_id) k)) as contacts_made,
         (select max(last_contact_at) from interactions
            where subject_id in (select k from known_as(p.customer_id) k)) as last_contact_at
    from customer_profile p where p.merged_into is null;

-- What each surviving customer needs, the needs of its aliases too.
create view needs as
  select distinct coalesce(a.customer_id, q.customer_id) as customer_id, n.need
    from customer_profile q cross join lateral unnest(q.needs) n(need) left join alias a on a.subject_id = q.customer_id;

create view prospects as
  select p.customer_id, p.name, p.source, p.country, p.sector, p.seller_id, coalesce(n.needs, '{}') as needs,
         p.registered_at, p.erased
    from customer_profile p
    left join (select customer_id, array_agg(need order by need) as needs from needs group by 1) n
      on n.customer_id = p.customer_id
    where p.stage = 'prospect' and p.merged_into is null;

-- A prospect with two needs counts under both, one without under none; an erased one counts on, but cannot be reached.
create view prospects_by_need_and_source as
  select n.need, p.source, count(*) as prospects, count(*) filter (where not p.erased) as reachable
    from prospects p left join needs n on n.customer_id = p.customer_id group by 1, 2;

-- What each surviving customer and their contacts permit now, as domain/customer/consents.py has it: of customers who were
-- merged the strictest counts, unless the survivor has said something since.
create view consents as
  select p.customer_id, s.person_id, s.channel, s.purpose, s.standing, s.valid_from, s.valid_until, s.said_at, s.said_to,
         s.source, s.evidence
    from customer_profile p
    cross join lateral (
      select distinct on (t.person_id, t.channel, t.purpose) t.*
        from (select case c.person_id when c.customer_id then p.customer_id else c.person_id end as person_id, c.channel,
                     c.purpose, c.valid_from, c.valid_until, c.said_at, c.source, c.evidence, c.customer_id as said_to,
                     a.since as merged_at,
                     case when not c.given then 'withdrawn' when c.valid_until <= now() then 'expired'
                          when c.valid_from > now() then 'not_yet' else 'given' end as standing
                from consents_said c left join alias a on a.subject_id = c.customer_id
                where c.customer_id in (select k from known_as(p.customer_id) k)) t
        where not exists (
          select from consents_said n
            where n.customer_id = p.customer_id and n.person_id = t.person_id and n.channel = t.channel
              and n.purpose = t.purpose and n.said_at >= t.merged_at)
        order by t.person_id, t.channel, t.purpose,
                 array_position(array['withdrawn', 'expired', 'not_yet', 'given'], t.standing), t.said_at desc) s
    where p.merged_into is null;
