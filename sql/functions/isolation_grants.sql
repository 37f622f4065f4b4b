-- What each role may do while owners are kept apart, and nothing else: the one place for it.
create or replace function jobtable_internal.isolation_grants()
returns table (roles text[], privileges text, object text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with many (roles, privileges, kind, objects) as (
    values
      ('{reader,submitter,operator,worker,admin}', 'usage', 'schema',
        '{jobtable,jobtable_internal}'),
      ('{reader,submitter,operator,worker,admin}', 'select', 'table',
        '{jobtable.job,jobtable.job_type,jobtable.job_progress,jobtable.job_result,
          jobtable.job_attempt,jobtable.job_log,jobtable.job_cancel,jobtable.job_event,
          jobtable.job_report}'),
      -- Of all owners' jobs.
      ('{operator,worker,admin}', 'select', 'table',
        '{jobtable.job_counts,jobtable.why_waiting_by_type}'),
      ('{reader,submitter,operator,admin}', 'select', 'table',
        '{jobtable.job_share,jobtable.owner_quota}'),
      -- How much runs, and as which process, is none of an owner's business.
      ('{reader,submitter}',
        'select (id, host, version, types, capacity, started_at, seen_at, stopped_at)', 'table',
        '{jobtable.worker}'),
      ('{operator,worker,admin}', 'select', 'table',
        '{jobtable.worker,jobtable_internal.migration,jobtable_internal.installed}'),
      -- What `jobtable status` and `jobtable doctor` look at.
      ('{operator,admin}', 'select', 'table',
        '{jobtable_internal.ready,jobtable_internal.due,jobtable_internal.claim,
          jobtable_internal.isolation}'),
      ('{operator,admin}', 'select', 'sequence', '{jobtable.job_id_seq}'),
      ('{operator,admin}', 'execute', 'function',
        '{is_live,isolation_policies,isolation_names,user_facets}'),

      ('{submitter,admin}', 'insert', 'table', '{jobtable.job}'),
      -- For an explicit null as id.
      ('{submitter,admin}', 'usage', 'sequence', '{jobtable.job_id_seq}'),
      ('{submitter,operator,admin}', 'update (status, payload, title, properties, priority,'
        ' run_at, paused, max_attempts, timeout, cancel_requested)', 'table', '{jobtable.job}'),
      ('{submitter,operator,admin}', 'delete', 'table', '{jobtable.job}'),
      ('{submitter,admin}', 'insert, update (level), delete', 'table', '{jobtable.job_share}'),
      ('{operator}', 'update', 'table', '{jobtable.job_type}'),
      ('{admin}', 'insert, update, delete', 'table', '{jobtable.job_type,jobtable.owner_quota}'),
      -- To make facets.
      ('{worker,admin}', 'references (id)', 'table', '{jobtable.job}'),

      ('{reader,submitter,operator,worker,admin}', 'execute', 'function',
        '{current_owner,transaction_clock,clock,visible_owners,is_member,has_live_worker,
          why_waiting,obstacles,report_query,facet_named,facet_columns,free_name,
          refuse_unknown_type,nearest}'),
      ('{submitter,operator,admin}', 'execute', 'function',
        '{cancel,resubmit,request_cancel,actor,update_facet,store_facet,refuse_missing_job}'),
      ('{operator,admin}', 'execute', 'function', '{reset_type,lock_holder,jobs_ahead}'),
      ('{admin}', 'execute', 'function', '{create_report}'),
      -- Called by the guard of INSERT, which runs as the client.
      ('{submitter,admin}', 'execute', 'function',
        '{last_drawn,fill_payload,refuse_insert,refuse_id,refuse_queue_column,refuse_unsupported,
          refuse_bad_value,unsupported_column}'),
      ('{worker,admin}', 'execute', 'function',
        '{add_facet,isolate_facet,isolated,isolation_names}'),
      ('{worker}', 'execute', 'function',
        '{tick,claim_lone,adopt,beat,still_here,asked_to_stop,check_held,rescue,leave,register_type,
          unsettled_defaults,start_worker,stop_worker,purge,purge_events,fold_tally,was_completed,
          is_live,write_progress,write_logs,hold_told,complete,
          write_facet,require_lease,update_facet,store_facet,refuse_missing_job}')
  )
  select m.roles::text[], m.privileges, m.kind || ' ' || o.object
  from many m
  cross join unnest(m.objects::text[]) as o (object)
  where m.kind <> 'function'
  union all
  select m.roles::text[], m.privileges, 'function ' || p.oid::regprocedure::text
  from many m
  join pg_proc p on p.proname = any (m.objects::text[])
    and p.pronamespace in ('jobtable'::regnamespace, 'jobtable_internal'::regnamespace)
  where m.kind = 'function'
$$;
