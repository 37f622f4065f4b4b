import { expect, test } from 'vitest'
import { Lookout, type LookRequest } from '../../src/lookout.ts'
import type { TickAnswer } from '../../src/queries/tick.ts'

const WHOLE: LookRequest = { wanted: 10, whole: true, stays: true, alone: true, aside: false }

function newLookout(): Lookout {
  return new Lookout({ pollMs: () => 5_000, callOthers: () => undefined })
}

function answer(looked: number, more = false): TickAnswer {
  return {
    locked: [],
    lost: [],
    begun: [],
    waiting: [],
    claimed: [],
    claimedLength: 0,
    looked,
    more,
    nextDueMs: undefined,
    writers: [],
  }
}

/** Looks at a time, and is answered at once; tells whether the look promised another. */
function look(
  lookout: Lookout,
  looked: number,
  { at = 0, ...request }: Partial<LookRequest> & { readonly at?: number } = {},
): boolean {
  const sent = lookout.look({ ...WHOLE, ...request }, at)
  lookout.answered(answer(looked), sent, at)
  return sent.promises
}

test('a worker promises from its start until a look finds nothing, and then sleeps', () => {
  const lookout = newLookout()
  expect([look(lookout, 1), look(lookout, 0)]).toEqual([true, true])
  expect(lookout).toMatchObject({ sleeps: true, at: 5_000 })
  expect(look(lookout, 0)).toBe(false)
})

test('one that finds jobs rarely does not promise; one that finds them again and again does', () => {
  const lookout = newLookout()
  look(lookout, 0)
  const promises: boolean[] = []
  for (const at of [100, 110, 120, 122, 123]) {
    lookout.call()
    promises.push(look(lookout, 1, { at }))
    if (at < 122) look(lookout, 0, { at: at + 1 })
  }
  expect(promises).toEqual([false, false, false, false, true])
  // It goes on until a look finds nothing, and begins again at once if another finds something soon.
  expect(look(lookout, 0, { at: 124 })).toBe(true)
  lookout.call()
  expect(look(lookout, 1, { at: 126 })).toBe(true)
})

test('one whose looks take their time, and all find jobs, promises as well', () => {
  const lookout = newLookout()
  look(lookout, 0)
  lookout.call()
  expect([100, 200, 300].map((at) => look(lookout, 500, { at }))).toEqual([false, false, true])
})

test('one that leaves jobs behind promises at once', () => {
  const lookout = newLookout()
  look(lookout, 0)
  lookout.call()
  lookout.answered(answer(500, true), lookout.look(WHOLE, 100), 100)
  expect(look(lookout, 500, { at: 200 })).toBe(true)
})

test('one whose slots the next jobs will fill for long does not promise', () => {
  const lookout = newLookout()
  look(lookout, 0)
  lookout.call()
  for (let n = 0; n < 4; n += 1) expect(look(lookout, 1, { stays: false })).toBe(false)
})

test.each([
  ['for some of the types', { whole: false }],
  ['beside another', { alone: false }],
])('a look %s that finds nothing is followed by another at once', (_, request) => {
  const lookout = newLookout()
  look(lookout, 0, request)
  expect(lookout).toMatchObject({ sleeps: false, at: 0 })
  look(lookout, 0)
  expect(lookout).toMatchObject({ sleeps: true, at: 5_000 })
})

test('a call during a look that finds nothing is followed by another look at once', () => {
  const lookout = newLookout()
  look(lookout, 0)
  const sent = lookout.look(WHOLE, 0)
  expect(lookout.called).toBe(false)
  lookout.call()
  expect(lookout.called).toBe(true)
  lookout.answered(answer(0), sent, 0)
  expect(lookout).toMatchObject({ sleeps: false, at: 0 })
})

test('entries that other workers are at do not let it sleep', () => {
  const lookout = newLookout()
  lookout.answered(answer(0, true), lookout.look(WHOLE, 0), 0)
  expect(lookout.sleeps).toBe(false)
  expect(lookout.at).toBeLessThan(5)
})

test('a look aside promises nothing, and one that finds none tells nothing of the other types', () => {
  const lookout = newLookout()
  lookout.answered(answer(500, true), lookout.look(WHOLE, 0), 0)
  expect(look(lookout, 0, { whole: false, stays: false, aside: true })).toBe(false)
  expect(lookout).toMatchObject({ plenty: true, sleeps: false, at: 0 })
})
