-- Raises JT002 unless payload and properties are JSON objects, of at most 16 MB as text, and the title
-- has at most 10,000 bytes: a claim must fit into one answer.
create or replace function jobtable_internal.refuse_bad_json(job jobtable.job) returns void
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  c_longest constant integer := 16 * 1024 * 1024;
  c_longest_title constant integer := 10000;
  -- What PostgreSQL keeps in fewer bytes is not measured.
  c_short constant integer := 1000000;
  v_column text;
  v_value jsonb;
begin
  if jsonb_typeof(job.payload) = 'object' and pg_column_size(job.payload) < c_short
    and jsonb_typeof(job.properties) = 'object' and pg_column_size(job.properties) < c_short
    and (job.title is null or octet_length(job.title) <= c_longest_title)
  then
    return;
  end if;

  if octet_length(job.title) > c_longest_title then
    raise exception using
      errcode = 'JT002',
      message = format('the title of a job has at most %s bytes, not %s', c_longest_title,
        octet_length(job.title)),
      hint = 'Keep long text in the payload.';
  end if;
  for v_column, v_value in values ('payload', job.payload), ('properties', job.properties) loop
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
    elsif octet_length(v_value::text) > c_longest then
      raise exception using
        errcode = 'JT002',
        message = format('the %s of a job has at most %s bytes as text, not %s', v_column, c_longest,
          octet_length(v_value::text)),
        detail = format('Type "%s".', job.type),
        hint = 'Keep what is large elsewhere, and its address in the payload.';
    end if;
  end loop;
end
$$;
