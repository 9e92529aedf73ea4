-- name: table
create table deals_{v} (
  opportunity_id uuid    not null primary key,
  customer_id    uuid    not null,
  seller_id      uuid,
  stage          text    not null,
  amount_minor   bigint  not null,
  currency       text    not null,
  moves          integer not null
) with (fillfactor = 80);
create table deals_sums_{v} (
  seller_id uuid     not null,
  currency  text     not null,
  partition smallint not null,
  won       bigint   not null,
  won_minor bigint   not null,
  open      bigint   not null,
  primary key (seller_id, currency, partition)
) with (fillfactor = 50);
