import { randomBytes } from 'node:crypto'

/** Jobs to enqueue at once. */
export interface Batch {
  readonly count: number
  /** How many types, of which the k-th is 1/k as frequent as the first. Default 1. */
  readonly types?: number
  /** Bytes of text in the payload that do not compress. Default 0. */
  readonly payloadBytes?: number
  /** Whether the payload names a time to sleep, from 100 to 1,000 ms. */
  readonly sleeps?: boolean
  /** How long until the jobs are due. Default 0. */
  readonly delaySeconds?: number
}

/** A statement carries no more than this: a PostgreSQL array or a JSON text has its limits. */
const MAX_CHUNK_BYTES = 64 * 1024 ** 2

/** The type of all jobs where there is only one. */
export const NOOP = 'noop'

/** The names of a batch's types. */
export function typesOf(batch: Pick<Batch, 'types'>): readonly string[] {
  const count = batch.types ?? 1
  return count === 1 ? [NOOP] : Array.from({ length: count }, (_, index) => `type_${index + 1}`)
}

/** A batch cut into parts of so many jobs at most, fewer if they are large. */
export function* chunksOf(
  { count, payloadBytes = 0 }: Batch,
  jobs: number,
): Generator<{ readonly first: number; readonly count: number }> {
  const most = Math.max(1, Math.min(jobs, Math.floor(MAX_CHUNK_BYTES / (payloadBytes + 1))))
  for (let first = 1; first <= count; first += most) {
    yield { first, count: Math.min(most, count - first + 1) }
  }
}

/** How long the n-th job of a batch sleeps: the same times for every system, evenly spread. */
export function sleepMs(n: number): number {
  return 100 + ((n * 7919) % 901)
}

/** Shares of Zipf's law, added up: the k-th is the share of the types 1 to k. */
export function zipf(types: number): readonly number[] {
  const weights = Array.from({ length: types }, (_, index) => 1 / (index + 1))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  let sum = 0
  return weights.map((weight, index) => {
    sum += weight / total
    return index === types - 1 ? 1 : sum
  })
}

/** Base64 of random bytes: what PostgreSQL's compression makes nothing of. */
export function incompressible(bytes: number): string {
  return randomBytes(Math.ceil((bytes * 3) / 4))
    .toString('base64')
    .slice(0, bytes)
}

/**
 * A subquery with the columns n, type and payload (jsonb) of a batch's jobs, and its parameters, of which
 * the first two are the first job's number and the last one's.
 */
export function rowsOf(batch: Batch): { sql: string; values: unknown[] } {
  const parts = ["jsonb_build_object('n', g.n)"]
  if (batch.sleeps) parts.push("jsonb_build_object('ms', 100 + (g.n * 7919) % 901)")
  parts.push("case when $4 = '' then '{}' else jsonb_build_object('data', $4) end")
  return {
    sql: `(select g.n, ($5::text[])[1 + width_bucket(random(), $3::float8[])] as type,
      ${parts.join(' || ')} as payload
      from generate_series($1::bigint, $2::bigint) g(n))`,
    values: [
      1,
      batch.count,
      zipf(batch.types ?? 1),
      incompressible(batch.payloadBytes ?? 0),
      typesOf(batch),
    ],
  }
}

/** The n-th job of a batch, as rowsOf makes it. */
export function jobOf(batch: Batch): (n: number) => { type: string; payload: object } {
  const types = typesOf(batch)
  const shares = zipf(types.length)
  const data = incompressible(batch.payloadBytes ?? 0)
  return (n) => {
    const share = Math.random()
    const index = shares.findIndex((sum) => share < sum)
    return {
      type: types[index] ?? types.at(-1) ?? NOOP,
      payload: {
        n,
        ...(batch.sleeps ? { ms: sleepMs(n) } : {}),
        ...(data === '' ? {} : { data }),
      },
    }
  }
}
