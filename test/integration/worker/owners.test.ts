import { setTimeout as delay } from 'node:timers/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineExecutor } from '../../../src/executor.ts'
import { useDatabase } from '../../support/database.ts'
import { refusal } from '../../support/refusal.ts'
import { useRoles } from '../../support/roles.ts'
import {
  allFinished,
  cleanUpAfterEach,
  gate,
  next,
  startWorker,
  until,
} from '../../support/worker.ts'

const database = useDatabase()
const roles = useRoles(database)
cleanUpAfterEach(database)

let runner = ''
let anna = ''
let bert = ''

beforeAll(async () => {
  runner = await roles().login('runner', 'worker')
  anna = await roles().login('anna', 'submitter')
  bert = await roles().login('bert', 'submitter')
  await database().query('create table public.counted (job bigint primary key, n integer)')
  await database().query(`select jobtable.add_facet('public.counted')`)
})

async function insertAs(login: string, type: string): Promise<string> {
  const [row] = await roles().commitAs<{ id: string }>(
    login,
    `insert into jobtable.job (type) values ('${type}') returning id`,
  )
  return row?.id ?? ''
}

describe('a worker that has no right but those of its role', () => {
  test('runs no executor whose setup makes a table, says which right that needs, and has it by that', async () => {
    const executors = [
      defineExecutor({
        type: 'make',
        setup: 'create table if not exists public.made (job bigint primary key)',
        execute: () => Promise.resolve(),
      }),
    ]
    const start = (): Promise<unknown> =>
      startWorker(database(), { connectionString: roles().url(runner), executors })
    expect(await refusal(start())).toEqual({
      code: 'executor_setup',
      message: 'executor "make": its setup failed: permission denied for schema public',
      detail: undefined,
      hint:
        'The role needs a right to all that the setup does; to make a table, CREATE on its schema: ' +
        'grant create on schema … to …',
    })
    await roles().admin(`grant create on schema public to ${runner}`)
    await start()
  })

  test('runs jobs of all owners, with facets, progress, logs, results and failures', async () => {
    await startWorker(database(), {
      connectionString: roles().url(runner),
      purgeMs: 50,
      executors: [
        defineExecutor({
          type: 'count',
          retention: '1 day',
          facets: { 'public.counted': z.object({ n: z.int() }) },
          async execute({ progress, log, facet }) {
            progress({ fraction: 0.5, message: 'half' })
            log.info('counting')
            await facet('public.counted', { n: 3 })
            return { counted: 3 }
          },
        }),
        defineExecutor({ type: 'fail', execute: () => Promise.reject(new Error('on purpose')) }),
        defineExecutor({
          type: 'commit',
          async execute({ job, transaction }) {
            return await transaction(async (client) => {
              await client.query('insert into public.counted values ($1, 7)', [job.id])
              return 'committed'
            })
          },
        }),
      ],
    })
    const counted = await insertAs(anna, 'count')
    const failed = await insertAs(bert, 'fail')
    const committed = await insertAs(bert, 'commit')
    await allFinished(database())

    const report =
      'select id, owner, status, message, result, error_message from jobtable.job_report'
    expect(await roles().as(anna, report)).toEqual([
      {
        id: counted,
        owner: anna,
        status: 'completed',
        message: 'half',
        result: { counted: 3 },
        error_message: null,
      },
    ])
    expect(await roles().as(bert, `${report} order by id`)).toMatchObject([
      { id: failed, status: 'failed', error_message: 'on purpose' },
      { id: committed, status: 'completed', result: 'committed' },
    ])
    expect(await roles().as(anna, 'select n from public.counted')).toEqual([{ n: 3 }])
    expect(await roles().as(anna, 'select message from jobtable.job_log')).toEqual([
      { message: 'counting' },
    ])

    await database().query(`update jobtable.job_type set retention = '0' where name = 'count'`)
    await until(database(), 'not exists (select from jobtable.job where id = $1)', [counted])
  })

  test('makes facets of its own, in which owners are kept apart', async () => {
    await database().query('create schema made')
    await database().query(`grant usage on schema made to public`)
    await database().query(`grant create on schema made to ${runner}`)
    await startWorker(database(), {
      connectionString: roles().url(runner),
      executors: [
        defineExecutor({
          type: 'make',
          setup: `create table if not exists made.facet (job bigint, n integer);
            select jobtable.add_facet('made.facet')`,
          facets: { 'made.facet': z.object({ n: z.int() }) },
          execute: async ({ facet }) => await facet('made.facet', { n: 1 }),
        }),
      ],
    })
    await insertAs(anna, 'make')
    await insertAs(bert, 'make')
    await allFinished(database())
    expect(
      await database().query('select relrowsecurity from pg_class where relname = $1', ['facet']),
    ).toEqual([{ relrowsecurity: true }])
    expect(await roles().as(anna, 'select n from made.facet')).toEqual([{ n: 1 }])
  })

  test('cannot write jobs by itself, nor imitate an owner', async () => {
    const id = await insertAs(anna, 'count')
    for (const statement of [
      `insert into jobtable.job (type, owner) values ('count', '${anna}')`,
      `update jobtable.job set title = 'x' where id = ${id}`,
      `delete from jobtable.job where id = ${id}`,
      `insert into jobtable.job_result values (${id}, '1')`,
      'delete from jobtable_internal.ready',
      `update jobtable.worker set pid = 1`,
      `insert into jobtable.job_type (name) values ('x')`,
    ]) {
      expect((await refusal(roles().as(runner, statement))).code).toBe('42501')
    }
  })

  test('stops a job when its owner asks, and not when somebody only notifies', async () => {
    const begun = gate()
    let stopped = false
    const worker = await startWorker(database(), {
      connectionString: roles().url(runner),
      executors: [
        defineExecutor({
          type: 'wait',
          async execute({ signal }) {
            signal.addEventListener('abort', () => (stopped = true))
            begun.open()
            await delay(60_000, undefined, { signal })
          },
        }),
      ],
    })
    const id = await insertAs(anna, 'wait')
    await begun.opened
    const seen = async (): Promise<string | undefined> =>
      (
        await database().query<{ seen: string }>(
          'select seen_at::text as seen from jobtable.worker where id = $1',
          [worker.id],
        )
      )[0]?.seen
    const before = await seen()
    await roles().commitAs(bert, `notify jobtable_cancel, '${id}'`)
    // The worker has looked, long before its next heartbeat would be due.
    await until(database(), 'exists (select from jobtable.worker where seen_at::text <> $1)', [
      before,
    ])
    expect(stopped).toBe(false)
    const finished = next(worker, 'finished')
    await roles().commitAs(anna, `update jobtable.job set cancel_requested = true where id = ${id}`)
    await finished
    expect(stopped).toBe(true)
  })
})
