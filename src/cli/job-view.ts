import type { AttemptRow, FacetRow, JobReport, JobState, LogLine } from '../queries/jobs.ts'
import { logText } from './job-log.ts'
import { type Column, harmless, paint, print, printFields, printTable } from './output.ts'
import { bar, percent, progressText } from './progress-bar.ts'
import { durationText, timeText } from './time.ts'

const STATUS_STYLES = {
  new: 'blue',
  queued: 'blue',
  started: 'cyan',
  completed: 'green',
  failed: 'red',
  cancelled: 'yellow',
} as const

/** What a list of jobs shows. */
export const JOB_COLUMNS: readonly Column<JobReport>[] = [
  { title: 'ID', value: (job) => job.id, align: 'right' },
  { title: 'TYPE', value: (job) => job.type },
  { title: 'STATUS', value: statusText, style: (job) => STATUS_STYLES[job.status] },
  {
    title: 'DONE',
    value: (job) => (job.fraction === null ? '' : percent(job.fraction)),
    align: 'right',
  },
  { title: 'CREATED', value: (job) => timeText(job.created_at) },
  { title: 'RUN TIME', value: (job) => durationText(job.run_ms), align: 'right' },
  { title: 'OWNER', value: (job) => job.owner },
  { title: 'DETAIL', value: detailOf },
]

/** Everything about a job. */
export interface JobDossier {
  readonly report: JobReport
  readonly attempts: readonly AttemptRow[]
  readonly facets: readonly FacetRow[]
  readonly logs: readonly LogLine[]
}

export function printJob({ report, attempts, facets, logs }: JobDossier): void {
  printFields(fieldsOf(report))
  section('attempts that did not succeed', attempts, () => {
    printTable(ATTEMPT_COLUMNS, attempts)
    const stack = attempts.at(-1)?.error_stack
    if (stack !== null && stack !== undefined) print(`\n${indented(stack)}`)
  })
  for (const { facet, row } of facets) {
    section(`facet ${facet}`, [row], () => {
      printFields(Object.entries(row).map(([name, value]) => [name, valueText(value)]))
    })
  }
  section('last log lines', logs, () => {
    for (const line of logs) print(logText(line))
  })
}

function section(title: string, rows: readonly unknown[], show: () => void): void {
  if (rows.length === 0) return
  print(`\n${paint('bold', title)}`)
  show()
}

function fieldsOf(job: JobReport): (readonly [string, string])[] {
  const fields: [string, string | null][] = [
    ['job', job.id],
    ['type', job.type],
    ['status', paint(STATUS_STYLES[job.status], statusText(job))],
    ['detail', job.status_detail],
    ['progress', [bar(job.fraction), progressText(job)].filter(Boolean).join('  ')],
    ['result', job.result === null ? null : JSON.stringify(job.result, undefined, 2)],
    ['error', job.status === 'failed' ? errorText(job) : null],
    ['title', job.title],
    ['owner', job.owner],
    ['payload', JSON.stringify(job.payload)],
    ['properties', isEmpty(job.properties) ? null : JSON.stringify(job.properties)],
    ['key', job.key],
    ['priority', job.priority === null ? null : String(job.priority)],
    ['attempt', String(job.attempt)],
    ['worker', job.worker === null ? null : `${job.worker} on ${job.host ?? 'a host unknown'}`],
    ['created', timeText(job.created_at)],
    ['run at', timeText(job.run_at)],
    ['queued', timeText(job.queued_at)],
    ['started', timeText(job.started_at)],
    ['finished', timeText(job.finished_at)],
    ['run time', durationText(job.run_ms)],
    ['may be', possibilities(job)],
  ]
  return fields.flatMap(([name, value]) => (value === null || value === '' ? [] : [[name, value]]))
}

const ATTEMPT_COLUMNS: readonly Column<AttemptRow>[] = [
  { title: 'N', value: (attempt) => String(attempt.n), align: 'right' },
  { title: 'OUTCOME', value: (attempt) => attempt.outcome },
  { title: 'STARTED', value: (attempt) => timeText(attempt.started_at) },
  { title: 'FINISHED', value: (attempt) => timeText(attempt.finished_at) },
  { title: 'WORKER', value: (attempt) => attempt.worker ?? '' },
  { title: 'ERROR', value: errorText },
]

function statusText(job: JobReport): string {
  if (job.paused && job.status === 'new') return 'new, paused'
  return job.status === 'started' && job.cancel_requested ? 'started, stopping' : job.status
}

function detailOf(job: JobReport): string {
  return job.status_detail ?? progressText(job)
}

function errorText(of: Pick<JobState, 'error_name' | 'error_message'>): string {
  return [of.error_name, of.error_message].filter((part) => part !== null).join(': ')
}

function possibilities(job: JobReport): string {
  const all: readonly (readonly [boolean, string])[] = [
    [job.can_cancel, 'cancelled'],
    [job.can_terminate, 'asked to stop'],
    [job.can_pause, 'paused'],
    [job.can_resubmit, 'resubmitted'],
  ]
  return all.flatMap(([can, what]) => (can ? [what] : [])).join(', ')
}

function isEmpty(value: object): boolean {
  return Object.keys(value).length === 0
}

function valueText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function indented(text: string): string {
  return text
    .split('\n')
    .map((line) => `  ${harmless(line)}`)
    .join('\n')
}
