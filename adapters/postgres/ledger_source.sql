-- How folds read the ledger.

-- name: seek
-- The position before the first fact after these places; the end when there is none.
select coalesce(
  (select min(f.position) - 1 from unnest(%(partitions)b::smallint[], %(seqs)b::bigint[]) w(p, s)
     cross join lateral (select position from ledger.fact where partition = w.p and partition_seq > w.s
                         order by partition_seq limit 1) f),
  (select max(position) from ledger.fact), 0)

-- name: look_ahead
select partition, max(partition_seq), max(position) from ledger.fact
  where position > %(after)b::bigint and position <= %(until)b::bigint group by partition

-- name: read_window
-- The columns of domain.event.Event, in its order. Older releases wrote times before year 1, which Python cannot hold.
select position, partition, partition_seq, stream_id, stream_version, subject_id, subject_seq, event_id, command_id,
       correlation_id, causation_id, greatest(occurred_at, '0001-01-02 00:00:00+00') as occurred_at, recorded_at, type, actor, origin, data, fingerprint, hash
  from ledger.fact
  where position > %(after)b::bigint and position <= %(until)b::bigint
    and partition = any(%(partitions)b::smallint[]) and type <> all(%(skip)b::text[])
  order by position

-- name: read_partition
select position, partition, partition_seq, stream_id, stream_version, subject_id, subject_seq, event_id, command_id,
       correlation_id, causation_id, greatest(occurred_at, '0001-01-02 00:00:00+00') as occurred_at, recorded_at, type, actor, origin, data, fingerprint, hash
  from ledger.fact
  where partition = %(partition)b::smallint and partition_seq > %(after)b::bigint and partition_seq <= %(until)b::bigint
  order by partition_seq

-- name: heads
select p, head from generate_series(0, 63) p
  cross join lateral (select max(partition_seq) as head from ledger.fact where partition = p::smallint) h
  where head is not null
