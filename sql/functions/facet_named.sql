-- The facet that an executor means: `schema.table`, or a table of schema public, else of jobtable.
create or replace function jobtable_internal.facet_named(name text) returns regclass
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_facet regclass;
begin
  begin
    v_facet := coalesce(
      to_regclass('public.' || quote_ident(name)),
      to_regclass('jobtable.' || quote_ident(name)),
      to_regclass(name)
    );
  exception when invalid_name or syntax_error then
    v_facet := null;
  end;
  if v_facet is null then
    raise exception using
      errcode = 'JT012',
      message = format('there is no facet "%s"', name),
      detail = 'A name without a schema is looked for in schema public, then in schema jobtable.',
      hint = 'Create the table, or write schema.table.';
  end if;
  return v_facet;
end
$$;
