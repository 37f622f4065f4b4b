import { expect, test } from 'vitest'
import { Leases } from '../../src/leases.ts'

const NOTHING: ReadonlySet<string> = new Set()

test('a lease is closed when nothing needs it, and told once', () => {
  const leases = new Leases()
  leases.add('1')
  leases.add('2')
  const closed = leases.closed(new Set(['2']))
  expect(closed).toEqual({ closed: ['1'], doubtful: [] })
  leases.forget(closed)
  expect(leases.closed(NOTHING)).toEqual({ closed: ['2'], doubtful: [] })
})

test('one under which something ended unconfirmed is closed for the database to judge', () => {
  const leases = new Leases()
  leases.add('1')
  leases.doubt('1')
  expect(leases.closed(NOTHING)).toEqual({ closed: [], doubtful: ['1'] })
})
