-- An entry with `before` is a notice: from here on the terms of `version` hold, in the place of those of `before`; where they
-- are the same, the facts of `types` have a newer form. What is left of a feed that has ended are its tombstones.
alter table feeds.entry add column before integer;
create index entry_tombstone on feeds.entry (feed, feed_seq) where reason is not null;
create index entry_notice on feeds.entry (feed) where before is not null;
