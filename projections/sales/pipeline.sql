-- name: table
create table pipeline_{v} (
  opportunity_id    uuid        not null primary key,
  subject_id        uuid        not null,
  status            text        not null,
  stage             text        not null,
  opened_at         timestamptz not null,
  moved_at          timestamptz not null,
  closed_at         timestamptz,
  moves             integer     not null,
  reopenings        integer     not null,
  title             text,
  source            text,
  seller_id         uuid,
  product_id        uuid,
  amount_minor      bigint,
  currency          text,
  expected_close_on date,
  reason            text
) with (fillfactor = 80);
create index on pipeline_{v} (subject_id);
create index on pipeline_{v} (seller_id, status, stage);

-- name: view
-- An anonymous opportunity is its own subject: until its customer is identified it has none.
create view pipeline as
  select o.*, nullif(coalesce(a.customer_id, o.subject_id), o.opportunity_id) as customer_id,
         c.name as customer_name, e.name as seller_name, p.name as product_name
    from pipeline_{v} o
    left join alias a on a.subject_id = o.subject_id
    left join customer_profile c on c.customer_id = coalesce(a.customer_id, o.subject_id)
    left join employees e on e.employee_id = o.seller_id
    left join products p on p.product_id = o.product_id;

-- name: views
-- Open ones by how far they have come, closed ones as won or lost.
create view pipeline_by_stage as
  select case status when 'open' then stage else status end as stage, seller_id, seller_name, currency,
         count(*) as opportunities, whole(coalesce(sum(amount_minor), 0)) as amount_minor
    from pipeline group by 1, 2, 3, 4;
