-- How far the builds have come.

-- name: places
select b.model, m.partition, m.seq
  from projection_build b left join projection_bookmark m using (table_name)
  where b.state = 'live' order by 1, 2

-- name: count_behind
-- How many bookmarks of these builds are not at these places yet.
select count(*)
  from projection_build b cross join unnest(%(partitions)s::smallint[], %(seqs)s::bigint[]) w(partition, seq)
  left join projection_bookmark m on m.table_name = b.table_name and m.partition = w.partition
  where b.state = any(%(states)s) and coalesce(m.seq, 0) < w.seq
    and (%(models)s::text[] is null or b.model = any(%(models)s))
    and (%(tables)s::text[] is null or b.table_name = any(%(tables)s))

-- name: marks
-- A text that differs whenever a live read model has moved on, or another has taken its place.
select coalesce(string_agg(table_name || ' ' || seqs, ',' order by table_name), '')
  from (select b.table_name, sum(m.seq) as seqs
          from projection_build b join projection_bookmark m using (table_name)
          where b.state = 'live' group by 1) live
