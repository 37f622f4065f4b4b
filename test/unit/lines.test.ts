import { expect, test } from 'vitest'
import { type Line, Lines } from '../../src/lines.ts'
import { keyOf } from '../../src/queries/tick.ts'

const JOB = { id: '1', lease: '7' }
const NONE: ReadonlySet<string> = new Set()
/** As long as a fifth of what is kept of one job. */
const LONG = 'm'.repeat(4_000_000)

function line(loggedAt: number, job = JOB): Line {
  return { ...job, loggedAt, level: 'info', message: LONG, fields: undefined }
}

function pushAll(lines: Lines, ...times: readonly number[]): void {
  for (const at of times) lines.push(line(at))
}

/** When those were logged that are left, and what they say instead of the usual. */
function told(taken: readonly Line[]): unknown[] {
  return taken.map(({ loggedAt, message }) => (message === LONG ? loggedAt : [loggedAt, message]))
}

const dropped = (count: number): string =>
  `${count} log lines were dropped here: too many waited to be stored`

test('a job’s lines that are on their way count until they are stored, also those that come back', () => {
  const lines = new Lines()
  pushAll(lines, 1, 2, 3)
  const { length } = lines
  const taken = lines.take(10, NONE)
  expect(lines.length).toBe(length)
  pushAll(lines, 4, 5, 6, 7)
  lines.settle(taken, taken)
  pushAll(lines, 8)
  const again = lines.take(10, NONE)
  expect(told(again)).toEqual([1, 2, 3, 4, 5])
  lines.settle(again, [])
  expect(told(lines.take(10, NONE))).toEqual([[6, dropped(3)]])
})

test('lines that come when there is room again follow the one that tells what was dropped', () => {
  const lines = new Lines()
  pushAll(lines, 1, 2, 3, 4, 5, 6)
  lines.push(line(6, { id: '2', lease: '7' }))
  lines.settle(lines.take(2, NONE), [])
  pushAll(lines, 7, 8, 9, 10)
  expect(told(lines.takeOf(keyOf(JOB)))).toEqual([2, 3, 4, 5, [6, dropped(1)], 7, [8, dropped(3)]])
  lines.settle(lines.take(10, NONE), [])
  expect(lines).toMatchObject({ length: 0, jobs: 0 })
})
