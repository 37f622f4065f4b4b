// The steps of every client, for libraries of Node: each is told here once, and done by the library.
import { z } from 'zod'
import { defineExecutor } from '../../../../src/executor.ts'
import type { JobInsert, JobUpdate } from '../../../../src/types/job.ts'

const conform = defineExecutor({
  type: 'conform',
  payload: z.object({ step: z.string() }),
  execute: () => undefined,
})

const conformRow = (step: string) => conform.row({ step })

/** A row as an executor makes it, so that a library's own types check it. */
export type ConformRow = ReturnType<typeof conformRow>

/** What a library does in its own way. */
export interface Library {
  /** Inserts rows in one statement; answers how many. */
  insert(...rows: JobInsert[]): Promise<number>
  insertReturningId(row: ConformRow): Promise<string>
  /** Inserts a row unless its key is held; answers how many it inserted. */
  insertUnlessHeld(row: JobInsert): Promise<number>
  /** Inserts a row in a transaction that is rolled back; answers how many. */
  insertAndRollBack(row: JobInsert): Promise<number>
  /** Each answers how many rows it met. */
  update(id: string, changes: JobUpdate): Promise<number>
  delete(id: string): Promise<number>
  /** The columns of the job's report, and of its row in conform_note. */
  read(id: string): Promise<Report>
  /** The SQLSTATE that an error of the library shows. */
  sqlState(error: unknown): unknown
  close(): Promise<void>
}

export interface Report {
  readonly status: unknown
  readonly fraction: unknown
  readonly result: unknown
  readonly can_resubmit: unknown
  readonly lines: unknown
  readonly note: unknown
}

const { type } = conform

const NULLS = {
  payload: null,
  owner: null,
  title: null,
  properties: null,
  priority: null,
  run_at: null,
  paused: null,
  max_attempts: null,
  timeout: null,
  cpus: null,
  memory_mb: null,
  key: null,
  template: null,
  parent: null,
  cancel_requested: null,
}

/** Does each step with a library and tells its answer. */
export async function takeSteps(library: Library): Promise<void> {
  const row = (step: string, others: object = {}): JobInsert => ({
    type,
    payload: { step, ...others },
  })
  const orSqlState = async (answer: Promise<number>): Promise<unknown> =>
    await answer.catch((error: unknown) => library.sqlState(error))

  tell('plain', await library.insert(row('plain')))
  tell('multi-row', await library.insert(...[1, 2, 3].map((n) => row('multi-row', { n }))))
  tell('nulls', await library.insert({ type, ...NULLS }))
  tell('later', await library.insert({ ...row('later'), run_at: new Date(Date.UTC(2030, 0, 1)) }))
  tell(
    'described',
    await library.insert({
      ...row('described'),
      owner: 'ada',
      title: 'Described',
      properties: { colour: 'blue' },
      priority: -5,
    }),
  )

  const keyed = { ...row('key'), key: 'only-once' }
  const first = await orSqlState(library.insertUnlessHeld(keyed))
  tell('key', [first, await orSqlState(library.insertUnlessHeld(keyed))])

  const text = 'Grüße, 世界 🐘 "quoted" \\back \'single\'\n\t'
  tell('unicode', await library.insert(row('unicode', { text, list: [1, 2.5, true, null] })))
  tell('rollback', await library.insertAndRollBack(row('rollback')))

  const refused = async (columns: object): Promise<unknown> =>
    await orSqlState(library.insert({ type, ...columns }))
  tell('unknown type', await refused({ type: 'confrom' }))
  tell('payload', await refused({ payload: '[1, 2]' }))
  tell('status', await refused({ status: 'started' }))
  tell('id', await refused({ id: '4000000000000' }))

  tell('cancel', await library.delete(await library.insertReturningId(conformRow('cancel'))))
  tell('cancel started', await orSqlState(library.delete(process.env['STARTED_JOB'] ?? '')))

  const steered = await library.insertReturningId(conformRow('steer'))
  tell('steer', await library.update(steered, { paused: true, priority: 7, title: 'Steered' }))
  tell('read', await library.read(process.env['FINISHED_JOB'] ?? ''))
  await library.close()
}

function tell(step: string, answer: unknown): void {
  process.stdout.write(`${JSON.stringify({ step, answer })}\n`)
}
