-- name: table
create table resolutions_{v} (
  ticket_id    uuid          not null primary key,
  subject_id   uuid          not null,
  started_at   timestamptz   not null,
  agent_id     uuid,
  category     text,
  agent_ids    uuid[]        not null,
  resolved_ats timestamptz[] not null,
  durations_s  bigint[]      not null
) with (fillfactor = 80);
create index on resolutions_{v} (subject_id);

-- name: view
-- One row for each resolution.
create view resolutions as
  select r.ticket_id, n.number::integer as number, r.subject_id,
         nullif(coalesce(a.customer_id, r.subject_id), r.ticket_id) as customer_id, r.category, n.agent_id,
         e.name as agent_name, n.resolved_at, n.duration_s
    from resolutions_{v} r
    cross join lateral unnest(r.agent_ids, r.resolved_ats, r.durations_s)
      with ordinality n(agent_id, resolved_at, duration_s, number)
    left join alias a on a.subject_id = r.subject_id
    left join employees e on e.employee_id = n.agent_id;

-- name: views
create view resolution_by_agent as
  select agent_id, agent_name, count(*) as resolutions, round(avg(duration_s))::bigint as mean_s,
         percentile_cont(0.5) within group (order by duration_s) as median_s,
         percentile_cont(0.9) within group (order by duration_s) as p90_s, max(resolved_at) as last_at
    from resolutions group by 1, 2;
