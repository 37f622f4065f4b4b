import { setTimeout as sleep } from 'node:timers/promises'
import { Command } from 'commander'
import type { Pool } from 'pg'
import { type TypeStatus, typeStatuses, type WorkerStatus, workers } from '../queries/status.ts'
import { type DatabaseOptions, databaseOptions, withDatabase } from './connect.ts'
import { duration, jsonOption } from './options.ts'
import { type Column, note, print, printJson, printTable } from './output.ts'
import { durationText, timeText } from './time.ts'

const WATCH_SECONDS = 2

interface StatusOptions extends DatabaseOptions {
  /** true: without a value. */
  readonly watch?: number | true
  readonly json?: boolean
}

interface Status {
  readonly workers: readonly WorkerStatus[]
  readonly types: readonly TypeStatus[]
}

export function statusCommand(): Command {
  return databaseOptions(new Command('status'))
    .summary('show workers, and jobs by type')
    .description(
      'Shows the workers, and how many jobs of each type wait, run and have ended; what keeps all jobs ' +
        'of a type; and what an operator has set. Reads no more jobs than some that are due later: as ' +
        'cheap with ten million of them. > marks a number that was not counted to its end.',
    )
    .option(
      '--watch [seconds]',
      `show it again and again (default: every ${WATCH_SECONDS} s)`,
      duration,
    )
    .addOption(jsonOption('one object, {"workers", "types"}'))
    .action(async (options: StatusOptions) => {
      await withDatabase(options, 'status', (database) => run(database, options))
    })
}

async function run(database: Pool, { watch, json }: StatusOptions): Promise<void> {
  const seconds = watch === true ? WATCH_SECONDS : watch
  for (;;) {
    const status: Status = {
      workers: await workers(database),
      types: await typeStatuses(database),
    }
    if (seconds !== undefined && process.stdout.isTTY) process.stdout.write('\u001B[H\u001B[2J')
    if (json === true) printJson(status)
    else show(status)
    if (seconds === undefined) return
    await sleep(seconds * 1000)
    if (json !== true) print('')
  }
}

function show(status: Status): void {
  if (status.workers.length === 0) note('no worker runs: start one with "jobtable worker"')
  else printTable(WORKER_COLUMNS, status.workers)
  if (status.workers.length > 0 && status.types.length > 0) print('')
  if (status.types.length === 0) note('no job types: register some with "jobtable register"')
  else printTable(TYPE_COLUMNS, status.types)
}

const WORKER_COLUMNS: readonly Column<WorkerStatus>[] = [
  { title: 'WORKER', value: (worker) => worker.id, align: 'right' },
  {
    title: 'STATE',
    value: ({ live, lost, silent_ms: silentMs }) => {
      if (live) return 'live'
      return lost ? 'lost, its jobs were rescued' : `silent for ${durationText(silentMs)}`
    },
    style: ({ live, lost }) => {
      if (live) return 'green'
      return lost ? 'yellow' : 'red'
    },
  },
  {
    title: 'RUNNING',
    value: (worker) => `${worker.running} of ${worker.capacity}`,
    align: 'right',
  },
  { title: 'HOST', value: (worker) => worker.host },
  { title: 'PID', value: (worker) => String(worker.pid), align: 'right' },
  { title: 'SINCE', value: (worker) => timeText(worker.started_at) },
  { title: 'VERSION', value: (worker) => worker.version },
  { title: 'TYPES', value: (worker) => worker.types.join(', ') },
]

const TYPE_COLUMNS: readonly Column<TypeStatus>[] = [
  { title: 'TYPE', value: (type) => type.type },
  { title: 'WAITING', value: (type) => number(type.waiting), align: 'right' },
  {
    title: 'SCHEDULED',
    value: (type) => (type.more_scheduled ? '> ' : '') + number(type.scheduled),
    align: 'right',
  },
  { title: 'QUEUED', value: (type) => number(type.queued), align: 'right' },
  { title: 'RUNNING', value: (type) => number(type.started), align: 'right' },
  { title: 'COMPLETED', value: (type) => number(type.completed), align: 'right' },
  {
    title: 'FAILED',
    value: (type) => number(type.failed),
    align: 'right',
    style: (type) => (type.failed > 0 ? 'red' : undefined),
  },
  { title: 'CANCELLED', value: (type) => number(type.cancelled), align: 'right' },
  {
    title: 'STATE',
    value: ({ obstacles, overrides }) =>
      [
        ...obstacles.map((obstacle) => obstacle.replace('type_', '').replace('_', ' ')),
        ...(overrides.length > 0 ? [`set by hand: ${overrides.join(', ')}`] : []),
      ].join('; '),
    style: ({ obstacles }) => (obstacles.length > 0 ? 'yellow' : undefined),
  },
]

function number(count: number): string {
  return count.toLocaleString('en')
}
