-- Which agreement's feed the topic of a name carries, and since when; a row that was closed says who had the name before.
create table feeds.topic (
  name      text        not null check (name ~ '^[a-z][a-z0-9-]{0,39}$'),
  feed      uuid        not null,                    -- the agreement
  partner   uuid        not null,
  opened_at timestamptz not null default clock_timestamp(),
  opened_by text        not null,                    -- the principal
  closed_at timestamptz,
  closed_by text
);
create unique index topic_open on feeds.topic (name) where closed_at is null;
create index topic_name on feeds.topic (name, opened_at);

grant select on feeds.topic to relato_app, relato_reader;
grant insert, update on feeds.topic to relato_app;
