create or replace function jobtable.enable_isolation(
  reader text default null, submitter text default null, operator text default null,
  worker text default null, admin text default null, sharing boolean default null
) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set lock_timeout = '2s'
as $$
declare
  v jobtable_internal.isolation;
  v_role name;
begin
  select i.* into strict v from jobtable_internal.isolation i for update;
  v.reader := coalesce(reader, v.reader, 'jobtable_reader');
  v.submitter := coalesce(submitter, v.submitter, 'jobtable_submitter');
  v.operator := coalesce(operator, v.operator, 'jobtable_operator');
  v.worker := coalesce(worker, v.worker, 'jobtable_worker');
  v.admin := coalesce(admin, v.admin, 'jobtable_admin');
  v.sharing := coalesce(sharing, v.sharing);
  foreach v_role in array array_remove(
    array[v.reader, v.submitter, v.operator, v.worker, v.admin], ''
  ) loop
    if to_regrole(quote_ident(v_role)) is null then
      begin
        execute format('create role %I nologin', v_role);
      exception when insufficient_privilege then
        raise exception using
          errcode = 'JT024',
          message = format('there is no role "%s", and %s may not create it', v_role, current_user),
          detail = 'Owners are not kept apart yet.',
          hint = format('Have a role with CREATEROLE run: create role %I nologin', v_role);
      end;
    end if;
  end loop;
  -- Of the roles as they were.
  perform jobtable_internal.lift_isolation();
  update jobtable_internal.isolation i
  set enabled = true, reader = v.reader, submitter = v.submitter, operator = v.operator,
    worker = v.worker, admin = v.admin, sharing = v.sharing;
  perform jobtable_internal.build_owner_index();
  perform jobtable_internal.apply_isolation(again => true);
end
$$;

comment on function jobtable.enable_isolation(text, text, text, text, text, boolean) is
  'Keeps owners apart: row-level security, and five roles to grant to logins.

reader, submitter, operator, worker, admin: their names, by default jobtable_reader and so on;
null as it was, empty for none. Missing ones are created, without login. What each may do is in
docs/owners.md.
sharing: whether jobtable.job_share is heeded; null as it was, at first false. It lets an owner see
more than itself, which costs the ordered listings of each owner.
Calling it again renames roles and applies everything anew, facets that were
created meanwhile too. Builds the index job_owner_idx if it is missing, for which INSERTs wait: on a
large table build it before, by `create index concurrently job_owner_idx on jobtable.job (owner,
id)`. Only for the owner of the schema. Errors: JT024 (a role is missing and cannot be created),
55P03 (the job table is locked for longer than 2 seconds; try again).';
