-- What a worker is given of a job, as the text of a JSON array, since building text costs a fifth of
-- building JSON: id and lease as strings (a JSON number is a float to many), type, owner, attempt,
-- created_at and started_at in milliseconds since 1970 (started_at null while it is queued), payload;
-- and where it has more than a plain job, an object of the rest.
create or replace function jobtable_internal.handed(job jobtable.job) returns text
language sql stable
return '["' || job.id || '","' || job.lease || '",' || to_json(job.type) || ','
  || to_json(job.owner) || ',' || job.attempt || ','
  || floor(date_part('epoch', job.created_at) * 1000)::bigint || ','
  || coalesce(floor(date_part('epoch', job.started_at) * 1000)::bigint::text, 'null') || ','
  || job.payload
  || case
    when job.title is null and job.key is null and job.priority is null
      and job.run_at = job.created_at and job.properties = '{}' then ''
    else ',' || json_build_object(
      'title', job.title, 'key', job.key, 'priority', job.priority, 'run_at', job.run_at,
      'properties', job.properties
    )
  end
  || ']';
