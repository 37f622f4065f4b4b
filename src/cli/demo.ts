import { resolve } from 'node:path'
import { Command } from 'commander'
import { Client } from 'pg'
import { z } from 'zod'
import { DEFAULT_DATA_DIR } from './connect.ts'
import { ATTRIBUTION, COLUMN_TYPES, writeCities } from './demo/cities.ts'
import { number, parseReport, printReport } from './demo/report.ts'
import { insertJob, selectCounts, selectResult, selectState } from './demo/statements.ts'
import { timeline, watchJob } from './demo/watch.ts'
import { OutcomeError } from './errors.ts'
import { loadFolders } from './executors.ts'
import { InterruptedError, Interruption } from './interruption.ts'
import { startLocalQueue } from './local-queue.ts'
import { note, paint, print, printTable } from './output.ts'
import { durationText } from './time.ts'
import { stayUp, type UpOptions, upOptions } from './up.ts'
import { createLog } from './worker-log.ts'

interface DemoOptions extends UpOptions {
  readonly exit?: boolean
}

const TABLE = 'public.city'

export function demoCommand(): Command {
  return upOptions(new Command('demo'))
    .summary('show what it does, with real data')
    .description(
      'Does what "up" does, imports the cities of the world from a CSV file by a job, and has another\n' +
        'job report on them. Stays up then.',
    )
    .option('--exit', 'end after the report; exit code 1 if a job failed')
    .action(async (options: DemoOptions) => {
      using interruption = new Interruption()
      try {
        await demonstrate(options, interruption)
      } catch (error) {
        if (!(error instanceof InterruptedError)) throw error
        note(error.message)
        process.exitCode = error.exitCode
      }
    })
}

async function demonstrate(options: DemoOptions, interruption: Interruption): Promise<void> {
  const { signal, hurry } = interruption
  const folder = resolve(options.data)
  const executors = await loadFolders(options.executors)
  const began = performance.now()
  const log = createLog('warn', false)
  const queue = await startLocalQueue({ ...options, executors, log }, signal)
  const { server } = queue
  try {
    print(
      `PostgreSQL ${server.attached ? 'found' : 'started'} in ${folder}, jobtable installed, ` +
        `a worker running: ${durationText(performance.now() - began)}`,
    )
    await show(server.url, folder, signal)
  } catch (error) {
    await queue.stop(hurry)
    throw error
  }
  if (options.exit === true) return await queue.stop(hurry)
  print('')
  print(`It stays up: ${server.url}`)
  print(`The password is kept in ${queue.passwordFile}.`)
  print(whatNext(options))
  await stayUp(queue, interruption)
}

function whatNext({ data }: DemoOptions): string {
  const command = 'npm run -s jobtable --'
  const where = data === DEFAULT_DATA_DIR ? '' : ` --data ${data}`
  return `
Try in another terminal, in this folder:
  ${command} list${where}
  ${command} sql${where} "select id, type, status, run_time from jobtable.job_report order by id desc"
  ${command} submit${where} city_report '{"table": "${TABLE}", "top": 20}' --wait
or psql, or whatever speaks SQL, at the address above. Ctrl-C stops it.`
}

/** Imports the cities and reports on them, all by SQL. Throws an OutcomeError if a job fails. */
async function show(url: string, folder: string, signal: AbortSignal): Promise<void> {
  const began = performance.now()
  const file = await writeCities(folder)
  print(
    `${number(file.cities)} cities written to ${file.path}, ${number(file.bytes)} bytes: ` +
      durationText(performance.now() - began),
  )
  print(`Data: ${ATTRIBUTION}`)

  const client = new Client({ connectionString: url, application_name: 'jobtable:demo' })
  // The statement that meets a lost connection fails; the event as such would end the process.
  client.on('error', () => undefined)
  await client.connect()
  try {
    const imported = await run(client, signal, 'import_csv', {
      path: file.path,
      table: TABLE,
      columns: COLUMN_TYPES,
      mode: 'replace',
    })
    printRow(await ask(client, selectCounts(imported)))

    const reported = await run(client, signal, 'city_report', { table: TABLE })
    const { value } = await ask(client, selectResult(reported))
    print('')
    printReport(parseReport(value))
  } finally {
    await client.end()
  }
}

/** Inserts a job and watches it to its end. */
async function run(
  client: Client,
  signal: AbortSignal,
  type: string,
  payload: Readonly<Record<string, unknown>>,
): Promise<string> {
  const inserted = await ask(client, insertJob(type, payload))
  printRow(inserted)
  const id = z.string().parse(inserted['id'])
  print('')
  printSql(selectState(id))
  const times = await watchJob(client, id, signal)
  if (times.status !== 'completed') {
    throw new OutcomeError('job_failed', `job ${id} ${times.status}: ${times.error_message ?? ''}`)
  }
  print(`  ${paint('dim', timeline(times))}`)
  return id
}

/** Shows a statement, sends it, and answers its one row. */
async function ask(client: Client, sql: string): Promise<Row> {
  print('')
  printSql(sql)
  const { rows } = await client.query(sql)
  return z.tuple([z.record(z.string(), z.unknown())]).parse(rows)[0]
}

type Row = Readonly<Record<string, unknown>>

function printRow(row: Row): void {
  const columns = Object.keys(row).map((name) => ({
    title: name,
    value: (row: Row) => String(row[name]),
  }))
  printTable(columns, [row])
}

function printSql(sql: string): void {
  for (const line of sql.split('\n')) print(paint('cyan', line))
}
