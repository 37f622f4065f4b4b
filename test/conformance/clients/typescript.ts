// The steps of every client, through the TypeScript client; by SQL where it leaves something to SQL.
import pg from 'pg'
import { cancel, submit } from '../../../src/client.ts'
import { codeOf } from '../../../src/errors.ts'

const pool = new pg.Pool({ max: 1 })

function tell(step: string, answer: unknown): void {
  process.stdout.write(`${JSON.stringify({ step, answer })}\n`)
}

/** Does something to one row; answers 1, or the SQLSTATE of its refusal. */
async function one(action: Promise<unknown>): Promise<number | string | undefined> {
  try {
    await action
    return 1
  } catch (error) {
    return codeOf(error)
  }
}

async function run(statement: string, ...values: unknown[]): Promise<number | string | null> {
  try {
    return (await pool.query(statement, values)).rowCount
  } catch (error) {
    return codeOf(error) ?? null
  }
}

const type = 'conform'
const insert = 'insert into jobtable.job (type, payload) values ($1, $2)'

tell('plain', await one(submit(pool, { type, payload: { step: 'plain' } })))

const rows = [1, 2, 3].flatMap((n) => [type, { step: 'multi-row', n }])
tell('multi-row', await run(`${insert}, ($3, $4), ($5, $6)`, ...rows))

tell(
  'nulls',
  await one(
    submit(pool, {
      type,
      payload: null,
      owner: null,
      title: null,
      properties: null,
      priority: null,
      runAt: null,
      key: null,
      paused: null,
    }),
  ),
)

const later = { type, payload: { step: 'later' }, runAt: new Date(Date.UTC(2030, 0, 1)) }
tell('later', await one(submit(pool, later)))

tell(
  'described',
  await one(
    submit(pool, {
      type,
      payload: { step: 'described' },
      owner: 'ada',
      title: 'Described',
      properties: { colour: 'blue' },
      priority: -5,
    }),
  ),
)

const keyed = `insert into jobtable.job (type, payload, key) values ($1, $2, $3)
  on conflict do nothing`
const key = [type, { step: 'key' }, 'only-once']
tell('key', [await run(keyed, ...key), await run(keyed, ...key)])

const unicode = {
  step: 'unicode',
  text: 'Grüße, 世界 🐘 "quoted" \\back \'single\'\n\t',
  list: [1, 2.5, true, null],
}
tell('unicode', await one(submit(pool, { type, payload: unicode })))

const client = await pool.connect()
await client.query('begin')
tell('rollback', await one(submit(client, { type, payload: { step: 'rollback' } })))
await client.query('rollback')
client.release()

tell('unknown type', await one(submit(pool, { type: 'confrom' })))
tell('payload', await run(insert, type, '[1, 2]'))
tell(
  'status',
  await run('insert into jobtable.job (type, status) values ($1, $2)', type, 'started'),
)
tell(
  'id',
  await run('insert into jobtable.job (type, id) values ($1, $2)', type, 4_000_000_000_000),
)

const cancelled = await submit(pool, { type, payload: { step: 'cancel' } })
tell('cancel', (await cancel(pool, cancelled)) === 'deleted' ? 1 : 0)
tell(
  'cancel started',
  await run('delete from jobtable.job where id = $1', process.env['STARTED_JOB']),
)

const steered = await submit(pool, { type, payload: { step: 'steer' } })
tell(
  'steer',
  await run(
    'update jobtable.job set paused = $1, priority = $2, title = $3 where id = $4',
    true,
    7,
    'Steered',
    steered,
  ),
)

const { rows: report } = await pool.query(
  `select status, fraction, result, can_resubmit, lines, note
   from jobtable.job_report r join conform_note n on n.job = r.id where r.id = $1`,
  [process.env['FINISHED_JOB']],
)
tell('read', report[0])

await pool.end()
