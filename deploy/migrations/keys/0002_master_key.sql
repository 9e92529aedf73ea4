-- The master key can be changed: its print is here once it was, and only what it wrapped is stored from then on.
create table keys.master (
  one   boolean not null primary key default true check (one),
  print bytea   not null
);
grant select on keys.master to relato_app;

-- A living key may be wrapped anew by the owner who says that this is it; the application only destroys, and a destroyed
-- key stays destroyed.
drop trigger keys_are_only_destroyed on keys.person_key;
create trigger keys_are_only_destroyed before update on keys.person_key for each row
  when (new.wrapped is not null and (old.wrapped is null or current_user = 'relato_app'
        or current_setting('relato.rewraps', true) is distinct from 'on')) execute function keys.refuse();
