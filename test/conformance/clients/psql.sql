-- The steps of every client, in psql. Variables: started, finished.
\set QUIET on
\pset tuples_only on
\pset format unaligned

insert into jobtable.job (type, payload) values ('conform', '{"step": "plain"}');
select json_build_object('step', 'plain', 'answer', :ROW_COUNT);

insert into jobtable.job (type, payload) values
  ('conform', '{"step": "multi-row", "n": 1}'),
  ('conform', '{"step": "multi-row", "n": 2}'),
  ('conform', '{"step": "multi-row", "n": 3}');
select json_build_object('step', 'multi-row', 'answer', :ROW_COUNT);

insert into jobtable.job (
  type, id, status, payload, owner, title, properties, priority, run_at, paused, max_attempts,
  timeout, cpus, memory_mb, key, template, parent, cancel_requested
) values (
  'conform', null, null, null, null, null, null, null, null, null, null,
  null, null, null, null, null, null, null
);
select json_build_object('step', 'nulls', 'answer', :ROW_COUNT);

insert into jobtable.job (type, payload, run_at)
values ('conform', '{"step": "later"}', '2030-01-01T00:00:00Z');
select json_build_object('step', 'later', 'answer', :ROW_COUNT);

insert into jobtable.job (type, payload, owner, title, properties, priority)
values ('conform', '{"step": "described"}', 'ada', 'Described', '{"colour": "blue"}', -5);
select json_build_object('step', 'described', 'answer', :ROW_COUNT);

insert into jobtable.job (type, payload, key) values ('conform', '{"step": "key"}', 'only-once')
on conflict do nothing;
\set first :ROW_COUNT
insert into jobtable.job (type, payload, key) values ('conform', '{"step": "key"}', 'only-once')
on conflict do nothing;
select json_build_object('step', 'key', 'answer', json_build_array(:first, :ROW_COUNT));

insert into jobtable.job (type, payload) values (
  'conform',
  jsonb_build_object(
    'step', 'unicode',
    'text', E'Grüße, 世界 🐘 "quoted" \\back ''single''\n\t',
    'list', jsonb_build_array(1, 2.5, true, null)
  )
);
select json_build_object('step', 'unicode', 'answer', :ROW_COUNT);

begin;
insert into jobtable.job (type, payload) values ('conform', '{"step": "rollback"}');
select json_build_object('step', 'rollback', 'answer', :ROW_COUNT);
rollback;

insert into jobtable.job (type) values ('confrom');
select json_build_object('step', 'unknown type', 'answer', :'SQLSTATE');

insert into jobtable.job (type, payload) values ('conform', '[1, 2]');
select json_build_object('step', 'payload', 'answer', :'SQLSTATE');

insert into jobtable.job (type, status) values ('conform', 'started');
select json_build_object('step', 'status', 'answer', :'SQLSTATE');

insert into jobtable.job (type, id) values ('conform', 4000000000000);
select json_build_object('step', 'id', 'answer', :'SQLSTATE');

insert into jobtable.job (type, payload) values ('conform', '{"step": "cancel"}') returning id \gset
delete from jobtable.job where id = :id;
select json_build_object('step', 'cancel', 'answer', :ROW_COUNT);

delete from jobtable.job where id = :started;
select json_build_object('step', 'cancel started', 'answer', :'SQLSTATE');

insert into jobtable.job (type, payload) values ('conform', '{"step": "steer"}') returning id \gset
update jobtable.job set paused = true, priority = 7, title = 'Steered' where id = :id;
select json_build_object('step', 'steer', 'answer', :ROW_COUNT);

select json_build_object(
  'step', 'read',
  'answer', json_build_object(
    'status', r.status, 'fraction', r.fraction, 'result', r.result,
    'can_resubmit', r.can_resubmit, 'lines', n.lines, 'note', n.note
  )
)
from jobtable.job_report r
join conform_note n on n.job = r.id
where r.id = :finished;
