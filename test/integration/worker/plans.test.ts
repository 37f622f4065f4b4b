import pg from 'pg'
import { expect, test } from 'vitest'
import { type LaneRange, type TickAnswer, tick } from '../../../src/queries/tick.ts'
import { useDatabase } from '../../support/database.ts'

const database = useDatabase()

/** Rows of each kind; a run with more shows the same: JOBTABLE_PLAN_ROWS=1000000. */
const ROWS = Number(process.env['JOBTABLE_PLAN_ROWS'] ?? 20_000)
const BATCH = 100
const WORKER = '1'

type Lanes = Pick<LaneRange, 'fromLane' | 'toLane'>

/** One statement of a tick as auto_explain saw it. */
interface Plan {
  /** Node types, relations and indexes, from the outside in. */
  readonly shape: string
  /** Pages that it touched. */
  readonly pages: number
}

test('a tick has the same plans, and touches no more pages, whatever has finished or is yet to come', async (context) => {
  const admin = database().adminUrl
  if (admin === undefined) return context.skip('only a superuser loads auto_explain')
  const client = new pg.Client({ connectionString: admin })
  await client.connect()
  try {
    for (const table of ['jobtable.job', 'jobtable_internal.ready', 'jobtable_internal.due']) {
      await client.query(`alter table ${table} set (autovacuum_enabled = off)`)
    }
    await client.query("select jobtable_internal.register_type('planned', '{}', null)")
    await client.query(
      `select jobtable_internal.start_worker($1, 'by-hand', 1, '0', '{planned}', '{}', 1, 60000,
         180000)`,
      [WORKER],
    )
    await insertDue(client, 1_000)
    const [type] = (
      await client.query<{ id: number }>("select id from jobtable.job_type where name = 'planned'")
    ).rows
    const lanes = { fromLane: (type?.id ?? 0) * 65_536, toLane: ((type?.id ?? 0) + 1) * 65_536 }
    const small = await explainTick(client, lanes)

    await insertFinished(client, ROWS)
    await client.query(
      `insert into jobtable.job (type, run_at)
       select 'planned', now() + i * interval '1 s' + interval '1 hour' from generate_series(1, $1::int) i`,
      [ROWS],
    )
    await insertDue(client, ROWS / 10)
    const large = await explainTick(client, lanes)
    await client.query('analyze')
    const analysed = await explainTick(client, lanes)

    expect(shapes(large)).toEqual(shapes(small))
    expect(shapes(analysed)).toEqual(shapes(small))
    expect(shapes(small).filter((shape) => /Seq Scan on (job|ready|due)/.test(shape))).toEqual([])
    // A taller index costs a page more a probe; nothing else may grow.
    const probes = 6 * BATCH
    expect(pages(large)).toBeLessThanOrEqual(pages(small) + probes)
    expect(pages(analysed)).toBeLessThanOrEqual(pages(small) + probes)
    await context.annotate(
      `pages of a tick of ${BATCH}: ${pages(small)} small, ${pages(large)} with ${ROWS} rows of each kind, ${pages(analysed)} analysed`,
    )
  } finally {
    await client.end()
  }
})

/** A second tick of a worker: it finishes what the first has claimed, and claims as much again. */
async function explainTick(client: pg.Client, lanes: Lanes): Promise<Plan[]> {
  const plans: Plan[] = []
  const first = await runTick(client, lanes, [])
  const onNotice = ({ message }: { message?: string | undefined }): void => {
    const json = message?.match(/\{[\s\S]*\}/)?.[0]
    if (json !== undefined) plans.push(read(JSON.parse(json) as Explained))
  }
  await client.query("load 'auto_explain'")
  const settings = {
    'auto_explain.log_min_duration': '0',
    'auto_explain.log_nested_statements': 'on',
    'auto_explain.log_analyze': 'on',
    'auto_explain.log_buffers': 'on',
    'auto_explain.log_format': 'json',
    'auto_explain.log_level': 'notice',
  }
  for (const [name, value] of Object.entries(settings)) {
    await client.query('select set_config($1, $2, false)', [name, value])
  }
  client.on('notice', onNotice)
  const second = await runTick(client, lanes, first.claimed)
  client.off('notice', onNotice)
  await client.query("set auto_explain.log_min_duration = '-1'")
  await runTick(client, lanes, second.claimed)
  return plans
}

let lease = 0

async function runTick(
  client: pg.Client,
  lanes: Lanes,
  done: readonly { readonly id: string; readonly lease: string }[],
): Promise<TickAnswer> {
  lease += 1
  return await tick(client, {
    worker: WORKER,
    lease: String(lease),
    outcomes: done.map((job) => ({ id: job.id, lease: job.lease, outcome: 'completed' })),
    begin: [],
    ranges: [{ ...lanes, room: BATCH }],
    slots: BATCH,
    prefetch: 0,
    promises: false,
    stays: false,
    awaits: false,
    woken: false,
  })
}

interface Node {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Index Name'?: string
  readonly 'Shared Hit Blocks'?: number
  readonly 'Shared Read Blocks'?: number
  readonly Plans?: readonly Node[]
}

interface Explained {
  readonly Plan: Node
}

function read({ Plan: node }: Explained): Plan {
  return {
    shape: shapeOf(node),
    pages: (node['Shared Hit Blocks'] ?? 0) + (node['Shared Read Blocks'] ?? 0),
  }
}

function shapeOf(node: Node): string {
  const relation = node['Relation Name'] === undefined ? '' : ` on ${node['Relation Name']}`
  const index = node['Index Name'] === undefined ? '' : ` using ${node['Index Name']}`
  const children = (node.Plans ?? []).map(shapeOf).join(', ')
  return `${node['Node Type']}${relation}${index}${children === '' ? '' : ` (${children})`}`
}

/** Every plan once: how often a loop ran is no matter of planning. */
function shapes(plans: readonly Plan[]): string[] {
  return [...new Set(plans.map((plan) => plan.shape))].toSorted()
}

/** The pages of the whole call, which holds those of the statements in it. */
function pages(plans: readonly Plan[]): number {
  return Math.max(...plans.map((plan) => plan.pages))
}

async function insertDue(client: pg.Client, count: number): Promise<void> {
  await client.query(
    "insert into jobtable.job (type) select 'planned' from generate_series(1, $1::int)",
    [count],
  )
}

/** Finished jobs as ticks leave them, without running each. */
async function insertFinished(client: pg.Client, count: number): Promise<void> {
  await client.query('begin')
  await client.query("select set_config('jobtable.writer', 'queue', true)")
  await client.query(
    `with born as (
       insert into jobtable.job (type, paused)
       select 'planned', true from generate_series(1, $1::int) returning id
     ) select count(*) from born`,
    [count],
  )
  await client.query(
    `update jobtable.job set status = 'completed', paused = false, queued_at = now(),
       started_at = now(), finished_at = now(), attempt = 1 where paused`,
  )
  await client.query(
    `insert into jobtable_internal.finished (type_id, failed, at, ids)
     select t.id, false, now(), array_agg(j.id)
     from jobtable.job j join jobtable.job_type t on t.name = j.type
     where j.status = 'completed' group by t.id, j.id / 500`,
  )
  await client.query('commit')
}
