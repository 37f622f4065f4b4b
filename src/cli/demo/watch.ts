import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'pg'
import { z } from 'zod'
import { paint, print } from '../output.ts'
import { selectState, selectTimes } from './statements.ts'

/** How often a job is looked at, in milliseconds: a bar moves smoothly at 25 pictures a second. */
const POLL_MS = 40
/** Where there is no terminal to draw on, a line is printed when so much more is done. */
const LINE_EVERY = 0.25
const BAR_WIDTH = 30

const status = z.enum(['new', 'queued', 'started', 'completed', 'failed', 'cancelled'])

const stateRow = z.object({
  status,
  fraction: z.number().nullable(),
  message: z.string().nullable(),
})

type State = z.output<typeof stateRow>

const timesRow = z.object({
  status,
  created_at: z.date(),
  queued_at: z.date().nullable(),
  started_at: z.date().nullable(),
  finished_at: z.date().nullable(),
  error_message: z.string().nullable(),
})

/** How a job has ended, and when it did what. */
export type Times = z.output<typeof timesRow>

/**
 * Looks at a job until it has finished, and shows it: as one line that changes on a terminal, else a
 * line for each change. Throws the signal's reason if that fires before.
 */
export async function watchJob(client: Client, job: string, signal: AbortSignal): Promise<Times> {
  const shown = new StateLines()
  for (;;) {
    signal.throwIfAborted()
    const { rows } = await client.query(selectState(job))
    const [state] = z.tuple([stateRow]).parse(rows)
    shown.update(state)
    if (['completed', 'failed', 'cancelled'].includes(state.status)) break
    await sleep(POLL_MS)
  }
  const { rows } = await client.query(selectTimes(job))
  return z.tuple([timesRow]).parse(rows)[0]
}

/** When a job entered each status: `new 10:15:04.120, started +2 ms, completed +640 ms`. */
export function timeline(times: Times): string {
  const born = times.created_at
  const later = [
    ['queued', times.queued_at],
    ['started', times.started_at],
    [times.status, times.finished_at],
  ] as const
  const parts = later.flatMap(([name, at]) =>
    at === null ? [] : [`${name} +${at.getTime() - born.getTime()} ms`],
  )
  return [`new ${born.toISOString().slice(11, 23)}`, ...parts].join(', ')
}

class StateLines {
  #last: State | undefined

  update(state: State): void {
    const last = this.#last
    const moved = last === undefined || last.status !== state.status
    if (process.stdout.isTTY) {
      // A status that is over keeps its line.
      if (moved && last !== undefined) process.stdout.write('\n')
      process.stdout.write(`\r\u001B[2K${describe(state)}`)
      if (state.status === 'completed') process.stdout.write('\n')
    } else if (moved || (state.fraction ?? 0) - (last.fraction ?? 0) >= LINE_EVERY) {
      print(describe(state))
    } else {
      return
    }
    this.#last = state
  }
}

function describe({ status, fraction, message }: State): string {
  const word = paint(status === 'failed' ? 'red' : 'green', status.padEnd(10))
  if (fraction === null || status === 'new') return `  ${word}`
  const full = Math.round(fraction * BAR_WIDTH)
  const bar = '█'.repeat(full) + paint('dim', '░'.repeat(BAR_WIDTH - full))
  const percent = `${Math.floor(fraction * 100)} %`.padStart(5)
  return `  ${word} ${bar} ${percent}  ${message ?? ''}`.trimEnd()
}
