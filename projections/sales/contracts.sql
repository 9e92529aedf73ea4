-- name: table
create table contracts_{v} (
  contract_id   uuid        not null primary key,
  subject_id    uuid        not null,
  supplier      text        not null,
  status        text        not null,
  begun_at      timestamptz not null,
  revision      integer     not null,
  renewals      integer     not null,
  number        text,
  competitor    text,
  need          text,
  title         text,
  starts_on     date,
  ends_on       date,
  terminated_on date,
  notice_days   integer,
  auto_renews   boolean     not null,
  value_minor   bigint,
  currency      text,
  seller_id     uuid,
  document      text,
  reason        text
) with (fillfactor = 90);
create index on contracts_{v} (subject_id);
create index on contracts_{v} (ends_on) where status = 'active';

-- name: view
create view contracts as
  select k.*, coalesce(a.customer_id, k.subject_id) as customer_id, c.name as customer_name, e.name as seller_name
    from contracts_{v} k
    left join alias a on a.subject_id = k.subject_id
    left join customer_profile c on c.customer_id = coalesce(a.customer_id, k.subject_id)
    left join employees e on e.employee_id = k.seller_id;

-- name: views
-- What ends from today on, ours and competitors'; the days are those of the session's time zone.
create view contracts_due as
  select contract_id, supplier, number, competitor, need, title, ends_on, ends_on - current_date as days_left,
         ends_on - coalesce(notice_days, 0) as notice_by, ends_on - coalesce(notice_days, 0) - current_date as days_to_notice,
         auto_renews, value_minor, currency, revision, seller_id, seller_name, subject_id, customer_id, customer_name
    from contracts where status = 'active' and ends_on >= current_date;
