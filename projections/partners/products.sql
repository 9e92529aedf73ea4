-- name: table
create table products_{v} (
  product_id   uuid        not null primary key,
  name         text        not null,
  sku          text,
  series       text,
  category     text,
  price_minor  bigint,
  currency     text,
  supplier_id  uuid,
  withdrawn_at timestamptz
);
create index on products_{v} (supplier_id);
