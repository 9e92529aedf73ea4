-- Every figure of the answer must be 0.
with counted as (
  select partition, subject_id, position,
         lag(recorded_at) over (order by position) > recorded_at as backwards,
         position <> row_number() over (order by position) as position_gap,
         stream_version <> row_number() over (partition by stream_id order by position) as stream_gap,
         subject_seq <> row_number() over (partition by subject_id order by position) as subject_gap,
         subject_id <> first_value(subject_id) over (partition by stream_id order by position) as alien,
         partition_seq <> row_number() over (partition by partition order by position) as partition_gap,
         hash <> sha256(record_send(row(position, partition, partition_seq, stream_id, stream_version, subject_id, subject_seq,
           event_id, command_id, correlation_id, causation_id, occurred_at, recorded_at, type, actor, origin, data,
           fingerprint))) as altered
    from ledger.fact f)
select count(*) filter (where position_gap)  as "a gap in position",
       count(*) filter (where stream_gap)    as "a gap in a stream",
       count(*) filter (where subject_gap)   as "a gap in a subject",
       count(*) filter (where partition_gap) as "a gap in a partition",
       count(*) filter (where partition <> get_byte(uuid_send(subject_id), 15) & 63) as "the wrong partition",
       count(*) filter (where alien)         as "another subject than its stream's",
       count(*) filter (where backwards)     as "recorded before the row in front",
       count(*) filter (where altered)       as "altered after it was hashed"
  from counted
