-- Raises JT020: a schema of payloads has something at a path that is not understood.
create or replace function jobtable_internal.refuse_schema(
  type text, path text[], keyword text, fact text
) returns void
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception using
    errcode = 'JT020',
    message = format('the payload schema of job type "%s" %s', type, fact),
    detail = format('At %s%s.', jobtable_internal.schema_pointer(path),
      case when keyword is null then '' else format(', keyword "%s"', keyword) end),
    hint = 'It is JSON Schema (draft 2020-12, or draft-04 to draft-07 if $schema says so). '
      'Notes of your own belong under $comment.';
end
$$;
