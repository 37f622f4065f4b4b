// What any queue with such a table costs at least: the same durable transitions as bare SQL in the server,
// without claiming, fencing, triggers, wake-up or a worker.
import { rowsOf } from '../lib/batch.ts'
import { numberFrom, withClient } from '../lib/postgres.ts'
import { jobtable } from './jobtable.ts'
import type { System } from './system.ts'

const BATCH = 512

/** The table is jobtable.job of the tree that is measured, with its indexes and without its triggers. */
const SCHEMA = `
create schema floor;
create table floor.job (like jobtable.job including all);
do $$
begin
  execute (
    select format('alter table floor.job set (%s)', array_to_string(reloptions, ', '))
    from pg_class where oid = 'jobtable.job'::regclass
  );
end $$;
create procedure floor.drain(jobs bigint, batch integer) language plpgsql as $$
declare
  v_ids bigint[];
begin
  for v_first in 1 .. jobs by batch loop
    v_ids := array(select generate_series(v_first, least(v_first + batch - 1, jobs)));
    update floor.job
    set status = 'started', attempt = attempt + 1, queued_at = clock_timestamp(),
      started_at = clock_timestamp(), worker = 1, lease = v_first
    where id = any(v_ids);
    commit;
    update floor.job set status = 'completed', finished_at = clock_timestamp()
    where id = any(v_ids);
    commit;
  end loop;
end $$`

export const floor: System = {
  name: 'floor',
  server: 'postgres',
  variants: [
    {
      name: 'sql',
      settings: { batch: BATCH, sessions: 1 },
      source: 'bench/systems/floor.ts',
    },
  ],
  table: 'floor.job',
  insertSql: `insert into floor.job (type, payload) values ('noop', '{"n": 1}')`,
  surveySql: 'select status, count(*), max(started_at) from floor.job group by status',
  install: async (target, types) => {
    await jobtable.install(target, types)
    await withClient(target.url, (client) => client.query(SCHEMA))
  },
  enqueue: async ({ url }, batch) => {
    const { sql, values } = rowsOf(batch)
    await withClient(url, (client) =>
      client.query(
        `insert into floor.job (type, payload) select r.type, r.payload from ${sql} r order by r.n`,
        values,
      ),
    )
  },
  count: ({ url }) =>
    withClient(url, async (client) => ({
      left: await numberFrom(client, `select count(*) from floor.job where status <> 'completed'`),
      completed: await numberFrom(
        client,
        `select count(*) from floor.job where status = 'completed'`,
      ),
    })),
  start: async ({ url }, settings, work) => {
    await withClient(url, async (client) => {
      const jobs = await numberFrom(client, 'select max(id) from floor.job')
      await client.query('call floor.drain($1, $2)', [jobs, settings['batch']])
      work.completed(jobs, () => [])
    })
    return async () => undefined
  },
}
