-- Writes the plain successes among the outcomes, each under the lease with which its job was
-- claimed, and answers how many. A row that a client's open transaction holds is passed over.
create or replace function jobtable_internal.finish_plain(
  completed bigint[], leases bigint[], now timestamptz
) returns integer
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set lock_timeout = '1ms'
as $$
declare
  v_free bigint[] := completed;
  v_again boolean := false;
  v_written integer;
begin
  -- As in hand_over: first as if nobody held any of the rows.
  loop
    begin
      with written as (
        update jobtable.job j
        set status = 'completed', status_detail = null, finished_at = finish_plain.now,
          holds_key = false
        where j.id = any (v_free) and j.status = 'started'
          -- "is true" keeps it a lookup by hash: PostgreSQL would make a join of it.
          and ((j.id, j.lease) in (select f.* from unnest(completed, leases) f)) is true
        returning j.id, j.type
      ), of_a_type as materialized (
        select t.id as type_id, w.ids
        from (select i.type, array_agg(i.id) as ids from written i group by i.type) w
        join jobtable.job_type t on t.name = w.type
      ), listed as (
        insert into jobtable_internal.finished (type_id, failed, at, ids)
        -- Rows below the size at which PostgreSQL would compress them.
        select o.type_id, false, finish_plain.now, o.ids[i : i + 239]
        from of_a_type o, generate_series(1, cardinality(o.ids), 240) i
      ), counted as (
        insert into jobtable_internal.tally (type_id, from_status, to_status, jobs)
        select o.type_id, 'started', 'completed', cardinality(o.ids)
        from of_a_type o
      )
      select coalesce(sum(cardinality(o.ids)), 0) into v_written from of_a_type o;
      return v_written;
    exception when lock_not_available then
      if v_again then
        raise;
      end if;
      v_again := true;
      perform set_config('lock_timeout', '200ms', true);
      v_free := array(
        select j.id from jobtable.job j where j.id = any (completed) for no key update skip locked
      );
    end;
  end loop;
end
$$;
