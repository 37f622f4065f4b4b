import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'pg'
import { z } from 'zod'
import { paint, print } from '../output.ts'
import { bar } from '../progress-bar.ts'
import { selectState, selectTimes } from './statements.ts'

/** How often a job is looked at, in milliseconds: a bar moves smoothly at 25 pictures a second. */
const POLL_MS = 40
/** Where there is no terminal to draw on, a line is printed when so much more is done. */
const LINE_EVERY = 0.25

/** How a job has ended, and when it did what. */
export interface Times {
  readonly status: string
  readonly created_at: Date
  readonly queued_at: Date | null
  readonly started_at: Date | null
  readonly finished_at: Date | null
  readonly error_message: string | null
}

const timesRow = z.object({
  status: z.string(),
  created_at: z.date(),
  queued_at: z.date().nullable(),
  started_at: z.date().nullable(),
  finished_at: z.date().nullable(),
  error_message: z.string().nullable(),
})

const stateRow = z.object({
  status: z.string(),
  fraction: z.number().nullable(),
  message: z.string().nullable(),
})

type State = z.output<typeof stateRow>

const FINISHED: ReadonlySet<string> = new Set(['completed', 'failed', 'cancelled'])

/**
 * Looks at a job until it has finished, and shows it: as one line that changes on a terminal, else a
 * line for each change. Throws the signal's reason if that fires before.
 */
export async function watchJob(client: Client, job: string, signal: AbortSignal): Promise<Times> {
  const lines = new StateLines()
  try {
    for (;;) {
      signal.throwIfAborted()
      const { rows } = await client.query(selectState(job))
      const [state] = z.tuple([stateRow]).parse(rows)
      lines.update(state)
      if (FINISHED.has(state.status)) break
      await sleep(POLL_MS)
    }
  } finally {
    lines.end()
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
  #drawn = ''

  update(state: State): void {
    const moved = this.#last?.status !== state.status
    if (process.stdout.isTTY) this.#draw(describe(state), moved)
    else if (moved || (state.fraction ?? 0) - (this.#last?.fraction ?? 0) >= LINE_EVERY) {
      print(describe(state))
    } else return
    this.#last = state
  }

  /** Ends the line that is being drawn, if there is one. */
  end(): void {
    if (this.#drawn !== '') process.stdout.write('\n')
    this.#drawn = ''
  }

  #draw(line: string, moved: boolean): void {
    // A status that is over keeps its line.
    if (moved) this.end()
    if (line === this.#drawn) return
    process.stdout.write(`\r\u001B[K${line}`)
    this.#drawn = line
  }
}

function describe({ status, fraction, message }: State): string {
  const word = paint(status === 'failed' ? 'red' : 'green', status.padEnd(10))
  return `  ${word} ${bar(fraction)}  ${message ?? ''}`.trimEnd()
}
