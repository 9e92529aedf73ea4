-- What is searched for in the texts of the service of search. Names in braces are filled in.

-- name: search
-- Every thing asked for must be reached, each in whichever of a thing's texts has most of it; the best first. Only what
-- is on the page is looked up whole: who was erased has no tokens, and is marked there once more.
with asked as materialized (
  select * from unnest(%(digests)s::bigint[], %(things)s::integer[], %(weights)s::integer[]) a(digest, thing, weight)),
{candidates}
reached as materialized (
  select c.stream_id, c.field, c.item, c.kind, c.thing_id, c.subject_id, r.thing, r.weight
    from candidate c cross join lateral (
      select a.thing, sum(a.weight) as weight from asked a where a.digest = any(c.tokens)
        group by a.thing having sum(a.weight) >= %(least)s) r),
shown as materialized (
  select case when c.kind = 'customer' then coalesce(l.customer_id, c.thing_id) else c.thing_id end as thing_id,
         c.kind, c.stream_id, c.field, c.item, c.thing, c.weight
    from reached c left join alias l on l.subject_id = c.subject_id where {is_shown}),
ranked as materialized (
  select kind, thing_id, sum(weight)::integer as score
    from (select kind, thing_id, thing, max(weight) as weight from shown group by 1, 2, 3) b
    group by 1, 2 having count(*) = %(wanted)s),
page as materialized (
  select * from ranked where %(score)s::integer is null or (score, thing_id, kind) < (%(score)s, %(thing_id)s::uuid, %(kind)s)
    order by score desc, thing_id desc, kind desc limit %(limit)s),
placed as materialized (
  select kind, thing_id, p.score, stream_id, field, item,
         row_number() over (partition by kind, thing_id order by sum(weight) desc, stream_id, field, item) as place
    from page p join shown using (kind, thing_id) group by 1, 2, 3, 4, 5, 6)
select p.kind, p.thing_id, p.score, p.field, p.item, f.text, f.occurred_at, f.customer_id, f.customer_name, f.employee_id,
       f.erased
  from placed p cross join lateral (
    select * from found f where (f.stream_id, f.field, f.item) = (p.stream_id, p.field, p.item) offset 0) f
  where p.place <= %(most_texts)s order by p.score desc, p.thing_id desc, p.kind desc, p.place

-- name: candidates_by_index
candidate as (
  select stream_id, field, item, kind, thing_id, subject_id, tokens from texts
    where tokens && %(probes)s::bigint[] and field = any(%(fields)s::text[]) and kind = any(%(kinds)s::text[])),

-- name: candidates_by_one
-- Where several are asked for, all texts of what has the one; of a merged customer those of its other ids too.
led as materialized (
  select kind, thing_id from texts c
    where tokens && %(probes)s::bigint[] and field = any(%(fields)s::text[]) and kind = any(%(kinds)s::text[])
      and (select sum(weight) from asked a where a.thing = %(leader)s and a.digest = any(c.tokens)) >= %(least)s),
standing as materialized (
  select distinct coalesce(l.customer_id, t.thing_id) as id
    from led t left join alias l on t.kind = 'customer' and l.subject_id = t.thing_id),
known as materialized (select id from standing union select l.subject_id from standing s join alias l on l.customer_id = s.id),
candidate as materialized (
  select t.stream_id, t.field, t.item, t.kind, t.thing_id, t.subject_id, t.tokens
    from known k cross join lateral (select * from texts x where x.thing_id = k.id offset 0) t
    where t.tokens is not null and t.field = any(%(fields)s::text[]) and t.kind = any(%(kinds)s::text[])),

-- name: count_probes
-- How many texts each of the things asked for may be in, or that they are many.
select (select count(*) from (select from texts where tokens && p.probes::bigint[] limit %(many)s) t)
  from unnest(%(probes)s::text[]) with ordinality p(probes, number) order by p.number

-- name: is_owned
exists (select from customer_profile o where c.kind <> 'ticket' and o.seller_id = any({owners}::uuid[])
                and o.customer_id = coalesce(l.customer_id, c.subject_id))
or exists (select from tickets o where c.kind = 'ticket' and o.agent_id = any({owners}::uuid[]) and o.ticket_id = c.stream_id)

-- name: plan
-- What an average session has is little for so many texts, and compiling takes longer than looking.
select set_config('work_mem', '32MB', true), set_config('jit', 'off', true)
