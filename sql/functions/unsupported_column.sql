-- The first column of a row that asks for something this version cannot do, or null.
create or replace function jobtable_internal.unsupported_column(job jobtable.job) returns text
language sql immutable
return case
  when job.cpus is not null then 'cpus'
  when job.memory_mb is not null then 'memory_mb'
  when job.template is not null then 'template'
  when job.parent is not null then 'parent'
end;
