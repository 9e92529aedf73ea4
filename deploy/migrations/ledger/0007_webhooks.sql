-- Webhooks: how far the delivery of feeds to partners' endpoints has come, written by the one worker that delivers, and what
-- was asked of it beside. What an endpoint is, its facts say; its secrets are with the keys.
create table feeds.webhook (
  endpoint uuid        primary key,
  feed     uuid        not null,                     -- the agreement
  taken    bigint      not null,                     -- the last number that it answered with 2xx
  sends    boolean     not null,                     -- false: it is disabled
  failures integer     not null default 0,           -- attempts in a row
  since    timestamptz,                              -- of these failures
  due      timestamptz,                              -- not before then is it tried again
  reason   text        not null default ''           -- of the last failure
);
-- The delivery log, newest attempts alone; no content of what was sent, nor of what was answered.
create table feeds.webhook_attempt (
  number   bigint generated always as identity primary key,
  endpoint uuid        not null,
  at       timestamptz not null,
  kind     text        not null,                     -- entry, resend, ping
  feed_seq bigint,
  status   integer,                                  -- null: there was no answer
  reason   text        not null default '',
  took_ms  integer     not null
);
create index webhook_attempt_endpoint on feeds.webhook_attempt (endpoint, number);
-- What was asked for: a ping, where `first` is null, or some entries once more.
create table feeds.webhook_errand (
  number   bigint generated always as identity primary key,
  endpoint uuid        not null,
  first    bigint check (first > 0),                 -- the next one
  last     bigint,
  actor    text        not null,
  asked_at timestamptz not null default clock_timestamp(),
  outcome  text                                      -- null: not done yet
);
create index webhook_errand_open on feeds.webhook_errand (number) where outcome is null;

grant select on feeds.webhook, feeds.webhook_attempt, feeds.webhook_errand to relato_app, relato_reader;
grant insert, update, delete on feeds.webhook, feeds.webhook_attempt, feeds.webhook_errand to relato_app;
