-- How long a job rests after so many attempts that count have failed: its type's delay, fixed or
-- doubled by each of them up to the limit, and then more or less by a random share, so that jobs
-- which failed together do not come back together.
create or replace function jobtable_internal.backoff(
  type jobtable.job_type, attempts integer
) returns interval
language sql volatile
return least(type.backoff_limit, type.backoff_delay * case
    when type.backoff = 'fixed' then 1
    -- Beyond this every delay of a millisecond and more has passed the longest limit there can be.
    else power(2, least(attempts, 40) - 1)
  end) * (1 + type.backoff_jitter * (2 * random() - 1));
