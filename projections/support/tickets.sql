-- name: table
create table tickets_{v} (
  ticket_id         uuid        not null primary key,
  subject_id        uuid        not null,
  status            text        not null,
  priority          text        not null,
  opened_at         timestamptz not null,
  changed_at        timestamptz not null,
  assigned_at       timestamptz,
  first_response_at timestamptz,
  resolved_at       timestamptz,
  closed_at         timestamptz,
  resolutions       integer     not null,
  reopenings        integer     not null,
  severity          text,
  category          text,
  channel           text,
  agent_id          uuid,
  product_id        uuid,
  outcome           text,
  summary           text
) with (fillfactor = 80);
create index on tickets_{v} (subject_id);
create index on tickets_{v} (status) where status not in ('resolved', 'closed');

-- name: view
-- An anonymous ticket is its own subject: until its customer is identified it has none.
create view tickets as
  select t.*, nullif(coalesce(a.customer_id, t.subject_id), t.ticket_id) as customer_id,
         c.name as customer_name, e.name as agent_name
    from tickets_{v} t
    left join alias a on a.subject_id = t.subject_id
    left join customer_profile c on c.customer_id = coalesce(a.customer_id, t.subject_id)
    left join employees e on e.employee_id = t.agent_id;

-- name: views
-- What is open, the most urgent first when shown by rank and age.
create view ticket_queue as
  select ticket_id, status, priority, array_position(array['urgent', 'high', 'normal', 'low'], priority) as rank, severity,
         category, channel, agent_id, agent_name, customer_id, customer_name, subject_id, summary, product_id,
         opened_at, extract(epoch from now() - opened_at)::bigint as age_s,
         changed_at, extract(epoch from now() - changed_at)::bigint as in_status_s, first_response_at, reopenings
    from tickets where status not in ('resolved', 'closed');
