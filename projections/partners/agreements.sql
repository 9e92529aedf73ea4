-- name: table
create table agreements_{v} (
  agreement_id uuid        not null primary key,
  partner_id   uuid        not null,
  state        text        not null,
  in_force     integer,
  versions     jsonb       not null,
  drafted_at   timestamptz not null,
  changed_at   timestamptz not null
);

-- name: view
-- What is told of the terms is of the version that holds, or else of the newest one. A feed that is ending tells its
-- tombstones alone, until they are acknowledged or their time has passed.
create view agreements as
  select a.agreement_id, a.partner_id, n.name as partner_name, a.state, a.in_force,
         jsonb_array_length(a.versions) as versions, t.terms ->> 'purpose' as purpose, t.terms ->> 'scope' as scope,
         array(select jsonb_array_elements_text(t.terms -> 'types')) as types, t.terms ->> 'row_filter' as row_filter,
         case when a.in_force is null then null
              when f.closed_at is not null then 'closed'
              when a.state = 'revoked' or n.removed_at is not null then 'ending'
              when a.state = 'suspended' then 'suspended' else 'open' end as feed_state,
         coalesce(f.acknowledged, 0) as acknowledged, f.acknowledged_at, f.closed_at, f.closing,
         a.drafted_at, a.changed_at
    from agreements_{v} a
    cross join lateral (select a.versions -> coalesce(a.in_force, jsonb_array_length(a.versions)) - 1 as terms) t
    left join partners n on n.partner_id = a.partner_id
    left join feeds f on f.agreement_id = a.agreement_id;
