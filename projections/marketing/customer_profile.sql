-- name: table
create table customer_profile_{v} (
  customer_id    uuid        not null primary key,
  kind           text        not null,
  stage          text        not null,
  registered_at  timestamptz not null,
  name           text,
  reference      text,
  source         text,
  country        text,
  sector         text,
  seller_id      uuid,
  needs          text[]      not null,
  contacts       jsonb       not null,
  contact_points jsonb       not null,
  fields         jsonb       not null,
  merged_into    uuid,
  erased         boolean     not null
) with (fillfactor = 80);
create index on customer_profile_{v} (stage);
