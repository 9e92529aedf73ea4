-- name: taken
-- What is known of an event that was taken.
select fingerprint, token from feeds.taken where event = %(event)s;

-- name: take
-- It was taken; what was held of it is held no more.
with taken as (insert into feeds.taken (event, agreement, fingerprint, token)
    values (%(event)s, %(agreement)s, %(fingerprint)s, %(token)s) on conflict (event) do nothing)
update feeds.quarantine set state = 'accepted', event = null, bytes = 0, decided_by = %(by)s, decided_at = clock_timestamp()
where id = %(id)s and state = 'held';

-- name: owner
-- Whose key seals what is held.
select owner from feeds.quarantine where id = %(id)s;

-- name: one_at_a_time
-- Numbers are seen in their order, or who reads on from one misses another; and the room is nobody else's meanwhile.
select pg_advisory_xact_lock(7319);

-- name: again
-- The same came again: what is held stays as it is, with what somebody mended in it.
update feeds.quarantine set attempts = attempts + 1, code = %(code)s, reason = %(reason)s, refused_at = clock_timestamp()
where id = %(id)s and state = 'held' returning 1;

-- name: room
-- How many events of a partner are held, and how large they are.
select count(*), coalesce(sum(bytes), 0) from feeds.quarantine where partner = %(partner)s and state = 'held';

-- name: count
-- How many events are held.
select count(*) from feeds.quarantine where state = 'held';

-- name: hold
-- One that is not held, or was settled before and comes again.
insert into feeds.quarantine as q (id, agreement, partner, type, code, reason, received_at, fingerprint, owner, name, event, bytes)
values (%(id)s, %(agreement)s, %(partner)s, %(type)s, %(code)s, %(reason)s, %(received_at)s, %(fingerprint)s, %(owner)s,
        %(name)s, %(sealed)s, %(bytes)s)
on conflict (id) do update set attempts = q.attempts + 1, code = excluded.code, reason = excluded.reason,
  refused_at = clock_timestamp(), state = 'held', mended_by = null, decided_by = null, decided_at = null,
  owner = excluded.owner, name = excluded.name, event = excluded.event, bytes = excluded.bytes
where q.state <> 'held';

-- name: find
-- One event in quarantine.
select seq, id, agreement, partner, type, code, reason, state, attempts, received_at, refused_at, mended_by, decided_by,
  decided_at, fingerprint, owner, name, event from feeds.quarantine where id = %(id)s;

-- name: read
-- Those of an agreement, or of all, in the order in which they came first.
select seq, id, agreement, partner, type, code, reason, state, attempts, received_at, refused_at, mended_by, decided_by,
  decided_at, fingerprint, owner, name, event from feeds.quarantine
where seq > %(after)s and (%(agreement)s::uuid is null or agreement = %(agreement)s::uuid)
  and (%(state)s::text is null or state = %(state)s::text)
order by seq limit %(limit)s;

-- name: mend
-- Another content is held in its place.
update feeds.quarantine set event = %(sealed)s, bytes = %(bytes)s, mended_by = %(by)s where id = %(id)s and state = 'held'
returning 1;

-- name: settle
-- It was taken or is discarded.
update feeds.quarantine set state = %(state)s, event = null, bytes = 0, decided_by = %(by)s, decided_at = clock_timestamp()
where id = %(id)s and state = 'held' returning 1;

-- name: old
-- What came before a time, and whose key seals it.
select id, owner from feeds.quarantine where received_at < %(before)s order by received_at limit %(limit)s;

-- name: forget
-- Nothing of them is kept.
delete from feeds.quarantine where id = any (%(ids)s);
