-- Every figure of the answer must be 0.
with counted as (
  select lag(recorded_at) over (order by position) > recorded_at as backwards,
         position <> row_number() over (order by position) as position_gap,
         hash <> sha256(record_send(row(position, recorded_at, principal, route, people, persons))) as altered
    from access.reading)
select count(*) filter (where position_gap) as "a gap in position",
       count(*) filter (where backwards)    as "recorded before the row in front",
       count(*) filter (where altered)      as "altered after it was hashed"
  from counted
