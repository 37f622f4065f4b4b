create or replace function jobtable.update_facet(facet regclass, job bigint, fields jsonb)
returns void
language sql volatile
set search_path = pg_catalog, pg_temp
set lock_timeout = '2s'
as $$
  select jobtable_internal.store_facet(update_facet.facet, update_facet.job, update_facet.fields)
$$;

comment on function jobtable.update_facet(regclass, bigint, jsonb) is
  'Writes columns of a job''s row in a facet table, inserting the row if there is none.

facet: any table whose primary key begins with a foreign key to jobtable.job(id) on delete
cascade. fields: a JSON object, column name to value; columns that are not named keep their
values. Errors: JT012 (not a facet), JT013 (unknown column, wrong type), JT015 (no such job);
55P03 after 2 seconds if a client holds the job''s row.';
