-- name: table
-- `tokens` are keyed digests: null once the person was erased.
create table texts_{v} (
  stream_id   uuid        not null,
  field       text        not null,
  item        text        not null,
  kind        text        not null,
  thing_id    uuid        not null,
  person_id   uuid        not null,
  subject_id  uuid        not null,
  occurred_at timestamptz not null,
  text        jsonb       not null,
  tokens      bigint[],
  primary key (stream_id, field, item)
) with (fillfactor = 80);
create index on texts_{v} using gin (tokens);
create index on texts_{v} (person_id);
create index on texts_{v} (thing_id);

-- name: views
-- By the customer that stands; an anonymous ticket has none until its customer is identified.
create view found as
  select t.stream_id, t.field, t.item, t.kind, t.text, t.tokens, t.occurred_at, t.subject_id,
         case when t.kind = 'customer' then coalesce(a.customer_id, t.thing_id) else t.thing_id end as thing_id,
         nullif(coalesce(a.customer_id, t.subject_id), case when t.kind = 'ticket' then t.stream_id end) as customer_id,
         c.name as customer_name, coalesce(c.erased, false) as erased,
         case when t.kind = 'ticket' then k.agent_id else c.seller_id end as employee_id
    from texts t
    left join alias a on a.subject_id = t.subject_id
    left join customer_profile c on c.customer_id = coalesce(a.customer_id, t.subject_id)
    left join tickets k on t.kind = 'ticket' and k.ticket_id = t.stream_id;
