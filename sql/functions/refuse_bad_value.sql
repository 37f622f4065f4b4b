-- Raises JT002 unless payload and properties are JSON objects, of at most 16 MB as text, the title
-- has at most 10,000 bytes (a claim must fit into one answer) and owner and key 1,000 each (they
-- must fit into an index), the limits of a run are above 0, and its times are such that a worker
-- can reckon with them.
-- They are no constraints of the table: PostgreSQL would read these anew for each statement, and
-- check them in each UPDATE of the queue.
create or replace function jobtable_internal.refuse_bad_value(job jobtable.job) returns void
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  c_longest constant integer := 16 * 1024 * 1024;
  c_longest_title constant integer := 10000;
  c_longest_name constant integer := 1000;
  v_column text;
  v_value jsonb;
begin
  v_column := case
    when job.max_attempts <= 0 then 'max_attempts'
    when job.timeout <= interval '0' or not isfinite(job.timeout) then 'timeout'
  end;
  if v_column is not null then
    raise exception using
      errcode = 'JT002',
      message = format('the %s of a job must be more than 0%s, not %s', v_column,
        case v_column when 'timeout' then ' and finite' else '' end, to_jsonb(job) ->> v_column),
      hint = 'Leave it out, or set it to null, for that of the type.';
  end if;
  -- What many languages cannot read. 'infinity' is never, and never handed out.
  if job.run_at <= '0001-01-02 00:00+00' then
    raise exception using
      errcode = 'JT002',
      message = format('the run_at of a job must be of our era, not %s', job.run_at),
      hint = 'Leave it out, or set it to null, for now.';
  end if;
  if octet_length(job.title) > c_longest_title then
    raise exception using
      errcode = 'JT002',
      message = format('the title of a job has at most %s bytes, not %s', c_longest_title,
        octet_length(job.title)),
      hint = 'Keep long text in the payload.';
  end if;
  v_column := case
    when octet_length(job.owner) > c_longest_name then 'owner'
    when octet_length(job.key) > c_longest_name then 'key'
  end;
  if v_column is not null then
    raise exception using
      errcode = 'JT002',
      message = format('the %s of a job has at most %s bytes, not %s', v_column, c_longest_name,
        octet_length(to_jsonb(job) ->> v_column)),
      hint = 'Use a hash of it: md5(…).';
  end if;
  -- Not a query of two rows, which would cost more than all else.
  foreach v_column in array array['payload', 'properties'] loop
    v_value := case v_column when 'payload' then job.payload else job.properties end;
    if jsonb_typeof(v_value) <> 'object' then
      raise exception using
        errcode = 'JT002',
        message = format('the %s of a job must be a JSON object, not %s', v_column,
          case jsonb_typeof(v_value)
            when 'null' then 'null'
            when 'array' then 'an array'
            else 'a ' || jsonb_typeof(v_value)
          end),
        detail = format('Type "%s".', job.type),
        hint = 'Wrap the value: {"value": …}. For JSON null, leave the column out.';
    elsif pg_column_size(v_value) > 1000000 and octet_length(v_value::text) > c_longest then
      raise exception using
        errcode = 'JT002',
        message = format('the %s of a job has at most %s bytes as text, not %s', v_column,
          c_longest, octet_length(v_value::text)),
        detail = format('Type "%s".', job.type),
        hint = 'Keep what is large elsewhere, and its address in the payload.';
    end if;
  end loop;
end
$$;
