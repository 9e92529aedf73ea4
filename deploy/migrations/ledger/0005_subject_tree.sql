-- The tree over each subject's newest row, kept by the checkpointer together with its checkpoints: its 65,536 buckets, and
-- how many rows it covers. Derived, and changed in place: emptied, both tables are made again from the rows.
create table ledger.subject_bucket (
  bucket  integer not null primary key,              -- the first two bytes of sha256(subject_id)
  entries bytea   not null,                          -- of each subject, by its key: key, and what names its newest row
  hash    bytea   not null                           -- sha256(entries)
) with (fillfactor = 60);
alter table ledger.subject_bucket alter column entries set storage main;
create table ledger.subject_tree (
  one  boolean not null primary key default true check (one),
  size bigint  not null,
  root bytea   not null
);
grant select on ledger.subject_bucket, ledger.subject_tree to relato_app, relato_reader;
grant insert, update on ledger.subject_bucket, ledger.subject_tree to relato_app;
