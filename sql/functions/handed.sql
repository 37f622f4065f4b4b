--! requires: milliseconds
-- What a worker is given of a job, as the text of a JSON array, since building text costs a fifth
-- of building JSON: id as a string (a JSON number is a float to many), attempt, created_at in
-- milliseconds since 1970, payload; type and owner, unless they are the usual ones; and where it
-- has more than a plain job, an object of the rest. Of a payload of more than 500 bytes only its
-- size as stored: on its way through the functions text is copied a dozen times, and a statement of
-- its own that fetches it copies it once.
create or replace function jobtable_internal.handed(
  job jobtable.job, usual_type text, usual_owner text
) returns text
language sql stable
return '["' || job.id || '",' || job.attempt || ','
  || floor(date_part('epoch', job.created_at) * 1000)::bigint || ','
  || case
    when pg_column_size(job.payload) > 500 then pg_column_size(job.payload)::text
    else job.payload::text
  end
  || case
    when job.title is null and job.key is null and job.priority is null and job.timeout is null
      and job.run_at = job.created_at and job.properties = '{}' then
      case
        when job.type = usual_type and job.owner = usual_owner then ''
        else ',' || to_json(job.type) || ',' || to_json(job.owner)
      end
    else ',' || to_json(job.type) || ',' || to_json(job.owner) || ',' || json_build_object(
      'title', job.title, 'key', job.key, 'priority', job.priority, 'run_at', job.run_at,
      'properties', job.properties, 'timeout', jobtable_internal.milliseconds(job.timeout)
    )
  end
  || ']';
