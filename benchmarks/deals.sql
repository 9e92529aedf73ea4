-- name: table
create table deals_{v} (deal_id uuid not null primary key, stage text not null, amount_minor bigint not null, moves integer not null);
