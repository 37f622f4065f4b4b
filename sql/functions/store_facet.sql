-- What update_facet does. How long it may wait for locks, its callers say: a setting of its own
-- would take the place of theirs.
create or replace function jobtable_internal.store_facet(
  facet regclass, job bigint, fields jsonb
) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_key text[] := jobtable_internal.facet_columns(facet);
  v_field text;
  v_type text;
  v_names text[];
  v_set text;
  v_count bigint;
  v_error text;
begin
  if jsonb_typeof(fields) is distinct from 'object' then
    raise exception using
      errcode = 'JT013',
      message = format('the fields of facet %s must be a JSON object', facet),
      hint = 'Give {"column": value, …}.';
  end if;

  select k.key into v_field
  from jsonb_object_keys(fields) as k (key)
  where k.key = v_key[1] or not exists (
    select
    from pg_catalog.pg_attribute a
    where a.attrelid = facet and a.attname = k.key and a.attnum > 0 and not a.attisdropped
  )
  limit 1;
  if found then
    raise exception using
      errcode = 'JT013',
      message = case when v_field = v_key[1]
        then format('column "%s" of facet %s is the job itself', v_field, facet)
        else format('facet %s has no column "%s"', facet, v_field) end,
      detail = format('Its columns: %s.', (
        select string_agg(a.attname, ', ' order by a.attnum)
        from pg_catalog.pg_attribute a
        where a.attrelid = facet and a.attnum > 0 and not a.attisdropped
          and a.attname <> v_key[1]
      )),
      hint = 'Name the columns as the table has them.';
  end if;

  v_names := array(select jsonb_object_keys(fields));
  v_set := (
    select string_agg(format('%1$I = r.%1$I', n), ', ')
    from unnest(v_names) n
    where n <> all (v_key)
  );
  begin
    -- Tried first: INSERT … ON CONFLICT asks for each column that must not be null, though the row
    -- is there.
    if v_set is not null then
      execute format(
        'update %1$s f set %2$s from jsonb_populate_record(null::%1$s, $2) r where f.%3$I = $1%4$s',
        facet, v_set, v_key[1],
        (select string_agg(format(' and f.%1$I = r.%1$I', k), '') from unnest(v_key[2:]) k)
      ) using job, fields;
      get diagnostics v_count = row_count;
      if v_count > 0 then
        return;
      end if;
    end if;
    execute format(
      'insert into %1$s as f (%2$I%3$s) select $1%4$s from jsonb_populate_record(null::%1$s, $2) r '
      'on conflict (%5$s) do %6$s',
      facet, v_key[1],
      (select string_agg(format(', %I', n), '') from unnest(v_names) n),
      (select string_agg(format(', r.%I', n), '') from unnest(v_names) n),
      (select string_agg(format('%I', k), ', ') from unnest(v_key) k),
      coalesce('update set ' || (
        select string_agg(format('%1$I = excluded.%1$I', n), ', ')
        from unnest(v_names) n
        where n <> all (v_key)
      ), 'nothing')
    ) using job, fields;
  exception
    when data_exception or datatype_mismatch or syntax_error_or_access_rule_violation then
      get stacked diagnostics v_error = message_text;
      -- The error of a conversion does not say which column: find it by trying each alone.
      foreach v_field in array v_names loop
        begin
          execute format(
            'select from jsonb_populate_record(null::%s, $1)', facet
          ) using jsonb_build_object(v_field, fields -> v_field);
        exception when data_exception or datatype_mismatch then
          get stacked diagnostics v_error = message_text;
          select format_type(a.atttypid, a.atttypmod) into v_type
          from pg_catalog.pg_attribute a
          where a.attrelid = facet and a.attname = v_field;
          raise exception using
            errcode = 'JT013',
            message = format('column "%s" of facet %s is %s and cannot take %s', v_field,
              facet, v_type, left((fields -> v_field)::text, 200)),
            detail = v_error,
            hint = 'Give a value of the column''s type.';
        end;
      end loop;
      if not exists (select from jobtable.job j where j.id = job) then
        perform jobtable_internal.refuse_missing_job(job);
      end if;
      raise;
    when foreign_key_violation then
      if exists (select from jobtable.job j where j.id = job) then
        raise;
      end if;
      perform jobtable_internal.refuse_missing_job(job);
  end;
end
$$;
