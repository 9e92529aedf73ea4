-- Two tables of a read model, compared. Names in braces are filled in.

-- name: facts_behind
select coalesce(sum(greatest(0, coalesce(a.seq, 0) - coalesce(b.seq, 0))), 0)::bigint
  from (select partition, seq from projection_bookmark where table_name = %(ahead)s) a
  full join (select partition, seq from projection_bookmark where table_name = %(behind)s) b using (partition)

-- name: columns
select attname from pg_attribute where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped order by attnum

-- name: key
select a.attname from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
  where i.indrelid = to_regclass(%s) and i.indisprimary order by array_position(i.indkey::smallint[], a.attnum)

-- name: differences
-- The rows of the new table; those only there, only in the old one, and different; the keys of some.
select count(*) filter (where has_new), count(*) filter (where not has_old), count(*) filter (where not has_new),
       count(*) filter (where has_old and has_new and differs), (array_agg(key) filter (where differs))[1:20]
  from (select o is distinct from null as has_old, n is distinct from null as has_new,
               record_send({old_row}) <> record_send({new_row}) as differs, {key_text} as key
          from {old} o full join {new} n using ({key})) x
