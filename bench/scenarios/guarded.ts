import { NOOP } from '../lib/batch.ts'
import type { Bench } from '../lib/bench.ts'
import type { Contender } from '../lib/contender.ts'
import { type Figures, formatCount } from '../lib/figures.ts'
import { meterSingles, meterStatement } from '../lib/inserts.ts'
import { withClient } from '../lib/postgres.ts'
import { openQueue, type Queue } from '../lib/queue.ts'
import type { Cell, Scenario } from '../lib/scenario.ts'

/** What an executor of five keys declares. */
const SCHEMA = {
  type: 'object',
  properties: {
    path: { type: 'string', minLength: 1 },
    table: { type: 'string', maxLength: 63 },
    limit: { type: 'integer', minimum: 0, maximum: 1_000_000 },
    mode: { enum: ['append', 'replace'] },
    tags: { type: 'array', items: { type: 'string' } },
  },
  required: ['path', 'table', 'mode'],
  additionalProperties: false,
}

/** The payload of the nth row, as SQL. */
const PAYLOAD = `('{"path": "/data/city.csv", "table": "city", "limit": ' || n
  || ', "mode": "append", "tags": ["a", "b"]}')::jsonb`

const GUARDS = ['no schema', 'a schema'] as const
type Guard = (typeof GUARDS)[number]

export const guarded: Scenario = {
  name: 'guarded',
  purpose:
    'what it costs to check payloads of five keys by a schema, beside a table without triggers',
  rounds: 3,
  contenders: ['floor', 'jobtable:default'],
  cells: (bench) => {
    const { quick } = bench.options
    const rows = quick ? 100_000 : 1_000_000
    return GUARDS.flatMap((guard): Cell[] => [
      {
        name: `32 clients, ${guard}`,
        measure: async (contender) => ({
          figures: await measureSingles(bench, contender, guard, quick ? 2 : 5),
        }),
      },
      {
        name: `${formatCount(rows)} rows, one INSERT … SELECT, ${guard}`,
        measure: async (contender) => ({
          figures: await measureStatement(
            bench,
            contender,
            guard,
            rows,
            (table) =>
              `insert into ${table} (type, payload)
               select '${NOOP}', ${PAYLOAD} from generate_series(1, ${rows}) n`,
          ),
        }),
      },
      {
        name: `${formatCount(rows)} payloads made, and with a schema checked, ${guard}`,
        isFor: ({ system }) => system.name === 'jobtable',
        measure: async (contender) => ({
          figures: await measureStatement(
            bench,
            contender,
            guard,
            rows,
            () =>
              `select count(*) from (
                 select ${PAYLOAD} as payload from generate_series(1, ${rows}) n offset 0
               ) p where ${guard === 'no schema' ? 'payload is not null' : `jobtable_internal.check_payload('${NOOP}', payload)`}`,
          ),
        }),
      },
    ])
  },
}

async function openGuarded(bench: Bench, contender: Contender, guard: Guard): Promise<Queue> {
  const queue = await openQueue(bench, contender, [NOOP])
  if (guard === 'a schema') {
    await withClient(queue.target.url, (client) =>
      client.query('update jobtable.job_type set payload_schema = $1', [SCHEMA]),
    )
  }
  return queue
}

async function measureSingles(
  bench: Bench,
  contender: Contender,
  guard: Guard,
  seconds: number,
): Promise<Figures> {
  await using queue = await openGuarded(bench, contender, guard)
  const insertSql = `insert into ${queue.system.table} (type, payload)
    select '${NOOP}', ${PAYLOAD} from (values (1)) v (n)`
  const system = { ...queue.system, insertSql: insertSql.replaceAll(/\s+/g, ' ') }
  return await meterSingles(bench, { ...queue, system }, { clients: 32, seconds })
}

async function measureStatement(
  bench: Bench,
  contender: Contender,
  guard: Guard,
  rows: number,
  statement: (table: string) => string,
): Promise<Figures> {
  await using queue = await openGuarded(bench, contender, guard)
  const text = statement(queue.system.table ?? '')
  return await meterStatement(queue, rows, () =>
    withClient(queue.target.url, (client) => client.query(text)),
  )
}
