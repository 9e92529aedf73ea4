-- Which files belong to what: of the facts themselves, so that a list has what was just added.
create function ledger.attached_to(data bytea) returns text language sql immutable parallel safe as
$$ select convert_from(data, 'UTF8')::jsonb ->> 'attached_to' $$;
create index fact_attached on ledger.fact (ledger.attached_to(data), position) where type = 'crm.attachment.added.v1';

revoke all on function ledger.attached_to from public;
grant execute on function ledger.attached_to to relato_app, relato_reader;
