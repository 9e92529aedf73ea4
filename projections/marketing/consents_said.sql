-- name: table
create table consents_said_{v} (
  customer_id uuid        not null,
  person_id   uuid        not null,
  channel     text        not null,
  purpose     text        not null,
  given       boolean     not null,
  valid_from  timestamptz not null,
  valid_until timestamptz,
  said_at     timestamptz not null,
  source      text,
  evidence    text,
  primary key (customer_id, person_id, channel, purpose)
);
