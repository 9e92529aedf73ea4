-- Which secrets were shown or have signed, by a keyed print; the secrets are with the keys. One that is remembered here is
-- never made again: where the key database has lost it, its endpoint waits.
create table feeds.webhook_secret (
  endpoint uuid   not null,
  number   bigint not null,
  print    bytea,                                    -- null: it signed before prints were kept; the next sight gives it
  primary key (endpoint, number)
);
alter table feeds.webhook add column lacks text not null default '';  -- why its messages cannot be signed
insert into feeds.webhook_secret (endpoint, number)
  select w.endpoint, coalesce((convert_from(f.data, 'UTF8')::jsonb ->> 'number')::bigint, 1)
  from feeds.webhook w join ledger.fact f on f.stream_id = w.endpoint
  where f.type in ('crm.endpoint.added.v1', 'crm.endpoint.secret_rotated.v1') and exists (
    select from feeds.webhook_attempt a where a.endpoint = w.endpoint and a.at > f.recorded_at + interval '1 minute')
  on conflict do nothing;

grant select, insert, update on feeds.webhook_secret to relato_app;
