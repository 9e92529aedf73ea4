-- Partners' feeds: pointers to facts in the ledger's order, numbered without gaps within each feed by the actor that alone
-- writes them, in the transaction that moves its bookmark (ledger.progress, `feeds`). A row with a reason is a tombstone.
create schema feeds;
create table feeds.entry (
  feed       uuid     not null,                      -- the agreement
  feed_seq   bigint   not null check (feed_seq > 0),
  position   bigint   not null,                      -- of the fact, or of the one that a tombstone follows from
  version    integer  not null,                      -- of the agreement, when it was entered
  subject_id uuid,                                   -- the fact's, or whom a tombstone is about
  products   uuid[]   not null default '{}',         -- those of the fact that are the partner's
  reason     text,
  types      text[]   not null default '{}',         -- what a tombstone is about
  primary key (feed, feed_seq)
);
create index entry_subject on feeds.entry (subject_id, feed) where reason is null;
-- Facts about which an agreement's row filter could not be asked, and which therefore did not match.
create table feeds.misfit (
  feed   uuid   primary key,
  facts  bigint not null,
  reason text   not null                             -- of the last one
);
-- Feeds that begin with what was recorded before they were activated: how far each has come, until it has `joined` the rest.
create table feeds.backfill (
  feed     uuid    primary key,
  position bigint  not null default 0,
  joined   boolean not null default false
);

revoke all on schema feeds from public;
grant usage on schema feeds to relato_app, relato_reader;
grant select on all tables in schema feeds to relato_app, relato_reader;
grant insert on feeds.entry to relato_app;
grant insert, update on feeds.misfit, feeds.backfill to relato_app;
