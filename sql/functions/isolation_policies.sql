-- The policies while owners are kept apart, by table: the one place for them, their names the same
-- whatever `sharing` is. One that gets another name is dropped by a migration. `roles` null is
-- everybody. A facet's row is as visible as its job. What stands in a sub-select is asked once a
-- statement. The owner does not: what the planner sees it can estimate, and it then reads an
-- owner's jobs by their index.
create or replace function jobtable_internal.isolation_policies(sharing boolean)
returns table (
  relation text, policy text, mode text, command text, roles text[], "using" text, "check" text
)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with term (mine, viewed, steered, of_a_job, my_share) as (
    select m.mine,
      -- An equality where that is enough: only then the index has the jobs in order.
      case when sharing
        then $x$owner = any ((select jobtable_internal.visible_owners('view'))::text[])$x$
        else m.mine end,
      case when sharing
        then $x$owner = any ((select jobtable_internal.visible_owners('act'))::text[])$x$
        else m.mine end,
      'exists (select from jobtable.job j where j.id = job)',
      'owner = (select jobtable.current_owner()) or jobtable_internal.is_member(grantee)'
    from (values ('owner = jobtable.current_owner()')) as m (mine)
  ), policy (relations, policy, mode, command, roles, "using", "check") as (
    select p.*
    from term t
    cross join lateral (
      values
        ('{job}', 'owners_view_their_jobs', 'permissive', 'select', '{reader,submitter}',
          t.viewed, null),
        ('{job}', 'owners_insert_their_jobs', 'permissive', 'insert', '{submitter}',
          null, t.mine),
        ('{job}', 'owners_steer_their_jobs', 'permissive', 'update', '{submitter}',
          t.steered, t.steered),
        ('{job}', 'owners_delete_their_jobs', 'permissive', 'delete', '{submitter}',
          t.steered, null),
        ('{job}', 'all_jobs_are_viewed', 'permissive', 'select', '{operator,worker,admin}',
          'true', null),
        ('{job}', 'jobs_are_inserted_for_all', 'permissive', 'insert', '{admin}', null, 'true'),
        ('{job}', 'all_jobs_are_steered', 'permissive', 'update', '{operator,admin}',
          'true', 'true'),
        ('{job}', 'all_jobs_are_deleted', 'permissive', 'delete', '{operator,admin}', 'true', null),
        -- The guard of UPDATE lets pass who announces itself as the queue. Checked after the row
        -- has been computed, so that no expression of the statement announces it later.
        ('{job}', 'clients_are_not_the_queue', 'restrictive', 'update', null, 'true',
          $x$current_setting('jobtable.writer', true) is distinct from
            case pg_trigger_depth() when 0 then 'queue' else 'queue ' || pg_trigger_depth() end$x$),

        ('{job_progress,job_result,job_attempt,job_log,job_cancel}', 'owners_view_their_facets',
          'permissive', 'select', '{reader,submitter}', t.of_a_job, null),
        ('{job_progress,job_result,job_attempt,job_log,job_cancel}', 'all_facets_are_viewed',
          'permissive', 'select', '{operator,worker,admin}', 'true', null),
        -- Events outlive their jobs.
        ('{job_event}', 'owners_view_their_events', 'permissive', 'select', '{reader,submitter}',
          t.viewed, null),
        ('{job_event}', 'all_events_are_viewed', 'permissive', 'select',
          '{operator,worker,admin}', 'true', null),

        ('{job_share}', 'owners_view_their_shares', 'permissive', 'select', '{reader,submitter}',
          t.my_share, null),
        ('{job_share}', 'owners_share_their_jobs', 'permissive', 'insert', '{submitter}',
          null, t.mine),
        ('{job_share}', 'owners_change_their_shares', 'permissive', 'update', '{submitter}',
          t.mine, t.mine),
        ('{job_share}', 'owners_end_their_shares', 'permissive', 'delete', '{submitter}',
          t.mine, null),
        ('{job_share}', 'all_shares_are_viewed', 'permissive', 'select', '{operator}',
          'true', null),
        ('{job_share}', 'all_shares_are_changed', 'permissive', 'all', '{admin}', 'true', 'true'),

        ('{owner_quota}', 'owners_view_their_quota', 'permissive', 'select', '{reader,submitter}',
          $x$owner in ((select jobtable.current_owner()), '*')$x$, null),
        ('{owner_quota}', 'all_quotas_are_viewed', 'permissive', 'select', '{operator}',
          'true', null),
        ('{owner_quota}', 'all_quotas_are_changed', 'permissive', 'all', '{admin}', 'true', 'true')
    ) as p (relations, policy, mode, command, roles, "using", "check")
  )
  select 'jobtable.' || r.relation, p.policy, p.mode, p.command, p.roles::text[], p."using",
    p."check"
  from policy p
  cross join unnest(p.relations::text[]) as r (relation)
$$;
