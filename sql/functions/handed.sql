-- What a worker is given of a job, as JSON. Ids are strings: a JSON number is a float to many.
create or replace function jobtable_internal.handed(job jobtable.job) returns json
language sql stable
return json_build_object(
  'id', job.id::text, 'lease', job.lease::text, 'status', job.status, 'type', job.type,
  'attempt', job.attempt, 'payload', job.payload, 'owner', job.owner, 'title', job.title,
  'properties', job.properties, 'priority', job.priority, 'key', job.key,
  'created_at', job.created_at, 'run_at', job.run_at, 'started_at', job.started_at
);
