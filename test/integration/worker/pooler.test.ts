import { describe, expect, test } from 'vitest'
import { defineExecutor } from '../../../src/executor.ts'
import { useDatabase } from '../../support/database.ts'
import { hasPooler, startPooler } from '../../support/pooler.ts'
import { isRequired } from '../../support/required.ts'
import { allFinished, cleanUpAfterEach, next, startWorker } from '../../support/worker.ts'

const database = useDatabase()
cleanUpAfterEach(database)

const executors = [
  defineExecutor({ type: 'noop', execute: () => undefined }),
  defineExecutor({
    type: 'writes',
    async execute({ progress, facet, log, transaction }) {
      progress(0.5)
      log.info('through the pooler')
      await facet('pooled', { n: 1 })
      await transaction(async ({ query }) => await query('insert into pooled_effect values (1)'))
    },
  }),
]

describe.skipIf(!hasPooler && !isRequired('pgbouncer'))(
  'through PgBouncer in transaction mode',
  () => {
    test('everything works, and LISTEN has a URL of its own', async () => {
      await using pooler = await startPooler(database().url)
      await database().query(
        `create table pooled (job bigint primary key references jobtable.job on delete cascade, n int);
       create table pooled_effect (n int)`,
      )
      const worker = await startWorker(database(), {
        connectionString: pooler.url,
        listenConnectionString: database().url,
        pollMs: 3_600_000,
        prefetch: 5,
        executors,
      })
      expect(await next(worker, 'listening')).toEqual([undefined])
      await database().query(
        "insert into jobtable.job (type) select 'noop' from generate_series(1, 2000)",
      )
      await database().query(
        "insert into jobtable.job (type) select 'writes' from generate_series(1, 20)",
      )
      await allFinished(database())
      const [counts] = await database().query(
        `select (select count(*)::integer from jobtable.job where status = 'completed') as completed,
         (select count(*)::integer from pooled) as facets,
         (select count(*)::integer from pooled_effect) as effects,
         (select count(*)::integer from jobtable.job_log) as lines`,
      )
      expect(counts).toEqual({ completed: 2020, facets: 20, effects: 20, lines: 20 })
      await worker.stop()
    })

    test('without one the worker finds out that it is deaf, says so, and polls', async () => {
      await using pooler = await startPooler(database().url)
      const worker = await startWorker(database(), {
        connectionString: pooler.url,
        listenConnectionString: undefined,
        pollMs: 3_600_000,
        executors,
      })
      const [fault] = await next(worker, 'listening')
      expect(fault).toContain('pooler')
      await database().query("insert into jobtable.job (type) values ('noop')")
      await allFinished(database())
      await worker.stop()
    })
  },
)
