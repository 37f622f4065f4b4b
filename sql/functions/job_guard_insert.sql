-- Before an INSERT, for each row: explicit NULLs become the defaults, the payload gets those of
-- its schema, a key is held, and what a client may not write is refused. It runs as the client,
-- since the default owner depends on who that is. Without a WHEN: PostgreSQL reads and plans such
-- a condition anew for each statement, which for one row costs twice as much as this function
-- does.
create or replace function jobtable_internal.job_guard_insert() returns trigger
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  -- Most rows need nothing. A null in any of the others leaves the condition unfulfilled.
  if num_nulls(new.type, new.owner, new.run_at, new.paused) = 0
    and num_nonnulls(
      new.finished_at, new.queued_at, new.started_at, new.failed_at, new.worker, new.lease,
      new.status_detail, new.max_attempts, new.timeout, new.cpus, new.memory_mb, new.template,
      new.parent
    ) = 0
    and new.status = 'new' and new.attempt = 0 and new.uncharged = 0
    and not new.cancel_requested and not new.holds_key
    and new.created_at = now() and nullif(current_setting('jobtable.now', true), '') is null
    and jsonb_typeof(new.payload) = 'object' and pg_column_size(new.payload) < 10000
    and jsonb_typeof(new.properties) = 'object' and pg_column_size(new.properties) < 10000
    and new.run_at > '0001-01-02 00:00+00'
    and octet_length(concat(new.owner, new.key)) <= 1000
    and (new.title is null or octet_length(new.title) < 10000)
    and (
      -- The sequence's last value may be another session's, which matters where owners are apart.
      new.id = pg_sequence_last_value('jobtable.job_id_seq'::regclass)
        and not row_security_active('jobtable.job'::regclass)
      or new.id = jobtable_internal.last_drawn()
    )
  then
    if new.key is not null then
      new.holds_key := true;
    end if;
    new.payload := jobtable_internal.fill_payload(new.type, new.payload);
    return new;
  end if;

  if new.id is null then
    new.id := nextval('jobtable.job_id_seq'::regclass);
  elsif new.id is distinct from jobtable_internal.last_drawn() then
    perform jobtable_internal.refuse_id(new.id);
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
  if new.owner is null then
    raise exception using
      errcode = 'JT029', message = 'the job has no owner',
      detail = 'The claims of the request (request.jwt.claims) do not tell who it is.',
      hint = 'Send a token with the claim that jobtable.set_owner_source() names, by default sub.';
  end if;
  new.payload := coalesce(new.payload, '{}');
  new.properties := coalesce(new.properties, '{}');
  -- The columns' default is now(), whatever the setting jobtable.now says: to look at that for each
  -- of them would cost every row more than to do it here.
  new.created_at := coalesce(nullif(new.created_at, now()), jobtable_internal.transaction_clock());
  new.run_at := coalesce(nullif(new.run_at, now()), jobtable_internal.transaction_clock());
  new.paused := coalesce(new.paused, false);
  new.cancel_requested := coalesce(new.cancel_requested, false);
  new.holds_key := coalesce(new.holds_key, false);
  perform jobtable_internal.refuse_insert(new);
  new.holds_key := new.key is not null;
  new.payload := jobtable_internal.fill_payload(new.type, new.payload);
  return new;
end
$$;

create or replace trigger job_guard_insert
before insert on jobtable.job
for each row execute function jobtable_internal.job_guard_insert();
