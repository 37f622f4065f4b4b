-- Before an INSERT of a row with explicit NULLs, which become the defaults, with a key, or with an id
-- that the client has set. It runs as the client, since the default owner depends on who that is, and
-- only where the WHEN below holds. What else a row must satisfy is checked after the statement.
create or replace function jobtable_internal.job_guard_insert() returns trigger
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_sequence constant regclass := 'jobtable.job_id_seq';
  v_own bigint;
begin
  if new.id is null then
    new.id := nextval(v_sequence);
  else
    begin
      v_own := currval(v_sequence);
    exception when object_not_in_prerequisite_state then
      v_own := null;
    end;
    if new.id is distinct from v_own then
      raise exception using
        errcode = 'JT004',
        message = format('a client cannot set the id of a job (id = %s)', new.id),
        detail = 'The database numbers jobs; a number is never used twice.',
        hint = 'Leave out the column id and read it with RETURNING id.';
    end if;
  end if;

  if new.type is null then
    raise exception using
      errcode = 'JT001', message = 'a job needs a type',
      hint = 'Set the column type to a name in jobtable.job_type.';
  end if;
  if new.holds_key then
    perform jobtable_internal.refuse_queue_column('holds_key');
  end if;

  new.status := coalesce(new.status, 'new');
  new.attempt := coalesce(new.attempt, 0);
  new.uncharged := coalesce(new.uncharged, 0);
  new.owner := coalesce(new.owner, jobtable.current_owner());
  new.payload := coalesce(new.payload, '{}');
  new.properties := coalesce(new.properties, '{}');
  new.created_at := coalesce(new.created_at, jobtable_internal.transaction_clock());
  new.run_at := coalesce(new.run_at, jobtable_internal.transaction_clock());
  new.paused := coalesce(new.paused, false);
  new.cancel_requested := coalesce(new.cancel_requested, false);
  new.holds_key := new.key is not null;
  return new;
end
$$;

-- Short, since PostgreSQL reads and plans this condition anew for each statement. An id that is not
-- the sequence's last value may still be the row's own (another session has drawn since), which the
-- function settles.
create or replace trigger job_guard_insert
before insert on jobtable.job
for each row
when (
  num_nulls(
    new.id, new.type, new.status, new.attempt, new.uncharged, new.owner, new.payload,
    new.properties, new.created_at, new.run_at, new.paused, new.cancel_requested, new.holds_key
  ) > 0
  or new.key is not null
  or new.id is distinct from pg_sequence_last_value('jobtable.job_id_seq'::regclass)
)
execute function jobtable_internal.job_guard_insert();
