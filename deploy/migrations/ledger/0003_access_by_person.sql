-- Who read this person's values is found by an index. What is noted waits in its list and is sorted in by the megabyte: a
-- record of 50 persons costs half as much again, one of a single person a tenth, and seldom one waits a twentieth of a second.
create index reading_by_person on access.reading using gin (persons) with (gin_pending_list_limit = 1024);
