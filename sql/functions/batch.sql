-- Jobs that a worker is given, with what they have in common, as the text of a JSON array: their
-- lease as a string, when they were started in milliseconds since 1970 (null: they are queued), the
-- usual type and owner, and one element more for each job: see handed.
create or replace function jobtable_internal.batch(
  lease bigint, started_at timestamptz, usual_type text, usual_owner text, jobs text
) returns text
language sql stable
return '["' || lease || '",'
  || coalesce(floor(date_part('epoch', started_at) * 1000)::bigint::text, 'null') || ','
  || coalesce(to_json(usual_type)::text, 'null') || ','
  || coalesce(to_json(usual_owner)::text, 'null') || ',' || jobs || ']';
