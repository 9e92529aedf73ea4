-- What partners send us: which events were taken, so that each is taken once, and those that were refused, sealed under a
-- key of each one's own until they are mended, discarded or swept.
create table feeds.taken (
  event       uuid        not null primary key,      -- derived from the partner and the event's source and id
  agreement   uuid        not null,
  fingerprint bytea       not null,                  -- keyed: one with the same name and another content is recognised
  token       text        not null,                  -- of what was written, as the verdict had it
  taken_at    timestamptz not null default clock_timestamp()
);
create table feeds.quarantine (
  seq         bigint      not null primary key generated always as identity,
  id          uuid        not null unique,           -- derived from the partner, the event's source and id, and its content
  agreement   uuid        not null,
  partner     uuid        not null,
  type        text,                                  -- as the event claims
  code        text        not null,
  reason      text        not null,                  -- of the last attempt
  state       text        not null default 'held' check (state in ('held', 'accepted', 'discarded')),
  attempts    integer     not null default 1,
  received_at timestamptz not null,
  refused_at  timestamptz not null default clock_timestamp(),
  mended_by   text,
  decided_by  text,
  decided_at  timestamptz,
  fingerprint bytea       not null,                  -- of what the partner sent
  owner       uuid        not null,                  -- whose key seals it: nobody's but this event's
  name        text        not null,                  -- sealed: source and id
  event       text,                                  -- sealed; none once it is settled
  bytes       integer     not null,
  check ((event is not null) = (state = 'held'))
);
create index quarantine_agreement on feeds.quarantine (agreement, seq);
create index quarantine_partner on feeds.quarantine (partner, bytes) where state = 'held';
create index quarantine_age on feeds.quarantine (received_at);
-- How far each partner's inbound topic was read.
create table feeds.inbound_offset (
  topic       text   not null primary key,
  incarnation text   not null,                       -- Kafka's id of the topic: one that was made anew begins anew
  next_offset bigint not null
);
-- Every territory's facts, to say whose a customer is now.
create index if not exists fact_territory on ledger.fact (position) where type like 'crm.territory.%';

grant select, insert on feeds.taken to relato_app;
grant select, insert, update, delete on feeds.quarantine to relato_app;
grant select, insert, update on feeds.inbound_offset to relato_app;
