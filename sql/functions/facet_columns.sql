-- The columns of a facet's primary key, the job's first. Raises JT012 unless the table is a facet:
-- the first (or only) column of its primary key is a foreign key to jobtable.job, ON DELETE
-- CASCADE.
create or replace function jobtable_internal.facet_columns(facet regclass) returns text[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_key smallint[];
  v_columns text[];
begin
  select p.conkey into v_key
  from pg_catalog.pg_constraint p
  join pg_catalog.pg_constraint f on f.conrelid = p.conrelid and f.contype = 'f'
    and f.confrelid = 'jobtable.job'::regclass and f.confdeltype = 'c'
    and f.conkey = p.conkey[1:1]
  where p.conrelid = facet and p.contype = 'p';
  if not found then
    raise exception using
      errcode = 'JT012',
      message = format('table %s is not a facet', facet),
      detail = 'The first column of a facet''s primary key is a foreign key to jobtable.job (id) '
        'on delete cascade.',
      hint = case
        when exists (
          select from pg_catalog.pg_constraint p
          join pg_catalog.pg_constraint f on f.conrelid = p.conrelid and f.contype = 'f'
            and f.confrelid = 'jobtable.job'::regclass and f.confdeltype = 'c'
          where p.conrelid = facet and p.contype = 'p'
        ) then 'Make the column of that foreign key the first of its primary key.'
        else format('select jobtable.add_facet(%L)', facet)
      end;
  end if;
  select array_agg(a.attname::text order by k.ord) into v_columns
  from unnest(v_key) with ordinality as k (attnum, ord)
  join pg_catalog.pg_attribute a on a.attrelid = facet and a.attnum = k.attnum;
  return v_columns;
end
$$;
