-- name: table
create table leads_{v} (
  opportunity_id uuid        not null primary key,
  partner_id     uuid        not null,
  status         text        not null,
  stage          text        not null,
  passed_at      timestamptz not null,
  changed_at     timestamptz not null
);
create index on leads_{v} (partner_id);

-- name: view
create view leads as
  select l.*, n.name as partner_name from leads_{v} l left join partners n on n.partner_id = l.partner_id;
