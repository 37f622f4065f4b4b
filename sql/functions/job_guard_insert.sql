-- Before an INSERT of a row that is not the ordinary kind: an explicit NULL becomes the default,
-- a value that only the queue writes, or whose feature does not exist yet, is refused. It runs as
-- the client (the default owner depends on who that is) and only where the WHEN below holds.
create or replace function jobtable_internal.job_guard_insert() returns trigger
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_sequence constant regclass := 'jobtable.job_id_seq';
  v_own bigint;
  v_column text;
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
  v_column := case
    when new.status <> 'new' then 'status'
    when new.attempt <> 0 then 'attempt'
    when new.uncharged <> 0 then 'uncharged'
    when new.created_at <> jobtable_internal.transaction_clock() then 'created_at'
    when new.queued_at is not null then 'queued_at'
    when new.started_at is not null then 'started_at'
    when new.finished_at is not null then 'finished_at'
    when new.failed_at is not null then 'failed_at'
    when new.worker is not null then 'worker'
    when new.lease is not null then 'lease'
    when new.status_detail is not null then 'status_detail'
    when new.holds_key then 'holds_key'
  end;
  if v_column is not null then
    perform jobtable_internal.refuse_queue_column(v_column);
  end if;

  -- A job is asked to stop by UPDATE, once it has started.
  perform jobtable_internal.refuse_unsupported(
    case when new.cancel_requested then 'cancel_requested'
    else jobtable_internal.unsupported_column(new) end
  );
  perform jobtable_internal.refuse_bad_json(new);
  new.holds_key := new.key is not null;
  return new;
end
$$;

-- The ordinary row must come out false here, at the price of a few comparisons: an id that is not
-- the sequence's last value may still be the row's own (another session has drawn since), which the
-- function settles.
create or replace trigger job_guard_insert
before insert on jobtable.job
for each row
when (
  new.id is distinct from pg_sequence_last_value('jobtable.job_id_seq'::regclass)
  or new.type is null
  or new.status is distinct from 'new'
  or new.attempt is distinct from 0
  or new.uncharged is distinct from 0
  or new.owner is null
  or new.payload is null
  or jsonb_typeof(new.payload) <> 'object'
  or new.properties is null
  or jsonb_typeof(new.properties) <> 'object'
  or pg_column_size(new.payload) > 1000000
  or pg_column_size(new.properties) > 1000000
  or octet_length(new.title) > 1000
  or new.created_at is distinct from jobtable_internal.transaction_clock()
  or new.run_at is null
  or new.paused is null
  or new.cancel_requested is distinct from false
  or new.holds_key is distinct from false
  or new.key is not null
  or num_nonnulls(
    new.queued_at, new.started_at, new.finished_at, new.failed_at, new.worker, new.lease,
    new.status_detail, new.max_attempts, new.timeout, new.cpus, new.memory_mb, new.template,
    new.parent
  ) > 0
)
execute function jobtable_internal.job_guard_insert();
