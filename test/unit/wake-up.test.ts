import { expect, test } from 'vitest'
import { callTo, isCalled } from '../../src/wake-up.ts'

test.each([
  { told: '', called: true },
  { told: '7', called: true },
  { told: '3,7,9', called: true },
  { told: '3', called: false },
  { told: '77,17', called: false },
  { told: 'rubbish of anybody', called: false },
])('"$told" calls a worker of type 7: $called', ({ told, called }) => {
  expect(isCalled(told, '1', [5, 7])).toBe(called)
})

test('a worker calls the others of its types, and not itself', () => {
  const told = callTo([5, 7], '1')
  expect(isCalled(told, '1', [7])).toBe(false)
  expect(isCalled(told, '2', [7])).toBe(true)
  expect(isCalled(told, '2', [6])).toBe(false)
})

test('types that do not fit into a notification call all', () => {
  const told = callTo(
    Array.from({ length: 2_000 }, (_, n) => 10_000 + n),
    '1',
  )
  expect(told.length).toBeLessThan(8_000)
  expect(isCalled(told, '2', [1])).toBe(true)
})
