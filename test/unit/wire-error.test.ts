import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { CancelledError } from '../../src/errors.ts'
import { fromWire, toWire, wireThrown } from '../../src/process/wire-error.ts'

/** What arrives at the other side of a channel. */
function sent(thrown: unknown): unknown {
  return fromWire(wireThrown.parse(structuredClone(toWire(thrown))))
}

class RetryLater extends Error {
  override readonly name = 'RetryLater'
  readonly at = new Date('2026-01-02T03:04:05Z')
  readonly delayMs = 50
  readonly again = (): void => undefined
}

describe('an error that goes to another process', () => {
  test('keeps its fields, name, message, stack and cause', () => {
    const error = new RetryLater('later', { cause: new TypeError('inner') })
    const arrived = sent(error)
    expect(arrived).toBeInstanceOf(Error)
    expect(arrived).toMatchObject({
      name: 'RetryLater',
      message: 'later',
      stack: error.stack,
      at: error.at,
      delayMs: 50,
      cause: { name: 'TypeError', message: 'inner' },
    })
    expect(arrived).not.toHaveProperty('again')
    expect((arrived as Error).cause).toBeInstanceOf(TypeError)
  })

  test('of this package stays one of its class', () => {
    const arrived = sent(new CancelledError('cancelled', 'stop', { hint: 'do' }))
    expect(arrived).toBeInstanceOf(CancelledError)
    expect(arrived).toMatchObject({ code: 'cancelled', message: 'stop', hint: 'do' })
  })

  test('is printed as it was', () => {
    const error = new RetryLater('later')
    const firstLine = (value: unknown): string => inspect(value).split('\n')[0] ?? ''
    expect(firstLine(sent(error))).toBe(firstLine(error))
  })

  test('may be its own cause', () => {
    const error = new Error('round')
    error.cause = error
    expect(sent(error)).toMatchObject({ message: 'round', cause: { message: 'round' } })
  })
})

describe('a value that is no error', () => {
  test.each([undefined, null, 'text', 7n, { a: [1] }])('%o arrives as it is', (value) => {
    expect(sent(value)).toEqual(value)
  })

  test('and cannot be sent arrives as text', () => {
    expect(sent({ act: () => undefined })).toBe('{ act: [Function: act] }')
  })

  test('and cannot even be shown is told as such', () => {
    const hostile = new Proxy(new Error(), {
      get: () => {
        throw new Error('no')
      },
    })
    expect(sent(hostile)).toBe('a value was thrown that cannot be shown')
  })
})
