import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { logEvents } from '../../src/cli/worker-log.ts'
import { Events } from '../../src/events.ts'
import { loggerTo } from '../../src/log.ts'
import type { HandedJob } from '../../src/queries/tick.ts'

const DEAF = 'wake-ups do not arrive: looking for jobs every second'

let events: Events
let lines: string[]

beforeEach(() => {
  vi.useFakeTimers()
  events = new Events()
  lines = []
  logEvents(
    { events },
    loggerTo((level, message) => lines.push(`${level} ${message}`)),
  )
})

afterEach(() => void vi.useRealTimers())

test('that wake-ups do not arrive is told once, whatever the reasons', () => {
  for (const reason of ['one', 'two', 'three']) {
    events.emit('listening', reason)
    vi.advanceTimersByTime(5_000)
  }
  expect(lines).toEqual([`warn ${DEAF}`])
  events.emit('listening', undefined)
  events.emit('listening', 'four')
  vi.advanceTimersByTime(5_000)
  expect(lines.slice(2)).toEqual([`warn ${DEAF}`])
})

test('an outage is told as such, and not as wake-ups that do not arrive', () => {
  for (let n = 0; n < 10; n += 1) {
    events.emit('listening', `reason ${n}`)
    vi.advanceTimersByTime(1_000)
    events.emit('trouble', new Error('away'))
  }
  events.emit('listening', undefined)
  events.emit('recovered')
  vi.advanceTimersByTime(10_000)
  expect(lines).toEqual([
    'warn trouble with the database; trying again',
    'info listening: jobs are picked up at once',
    'info the database answers again',
  ])
})

test('an attempt that failed is no failed job, unless no other would help', () => {
  const job: HandedJob = {
    id: '1',
    lease: '2',
    status: 'started',
    type: 'work',
    attempt: 3,
    payload: {},
    owner: 'me',
    title: null,
    properties: {},
    priority: null,
    key: null,
    createdAt: 0,
    runAt: 0,
    startedAt: 0,
    timeoutMs: null,
  }
  events.emit('ended', job, { id: '1', lease: '2', outcome: 'failed' })
  events.emit('ended', job, { id: '1', lease: '2', outcome: 'failed', permanent: true })
  expect(lines).toEqual(['warn attempt 3 failed', 'warn job failed'])
})

test('wake-ups that do not arrive after an outage are told', () => {
  events.emit('trouble', new Error('away'))
  events.emit('listening', 'a pooler')
  events.emit('recovered')
  vi.advanceTimersByTime(10_000)
  expect(lines.at(-1)).toBe(`warn ${DEAF}`)
})
