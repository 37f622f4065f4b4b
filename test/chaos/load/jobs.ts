import type { Random } from '../random.ts'

/** A job as a client inserts it. */
export interface NewJob {
  readonly type: string
  readonly payload: Readonly<Record<string, unknown>>
  readonly key?: string
  /** Seconds from now. */
  readonly delay?: number
  readonly max_attempts?: number
}

interface Kind {
  /** How many of a hundred jobs are of this kind. */
  readonly share: number
  readonly draw: (random: Random) => NewJob
}

/** Few enough that clients often want the same. */
const KEYS = 20
/** Later than any run ends: these wait until a client deletes them. */
const FAR_SECONDS = 86_400

/** The mixture that a run is made of. */
export const MIXED: readonly Kind[] = [
  { share: 40, draw: () => ({ type: 'chaos_quick', payload: {} }) },
  { share: 28, draw: () => ({ type: 'chaos_transfer', payload: {} }) },
  {
    share: 6,
    draw: (random) => ({ type: 'chaos_flaky', payload: { failures: random.integer(0, 4) } }),
  },
  {
    share: 2,
    draw: (random) => ({ type: 'chaos_long', payload: { ms: random.integer(1_000, 5_000) } }),
  },
  { share: 6, draw: () => ({ type: 'chaos_chatty', payload: {} }) },
  // Starting a process takes half a second of a core.
  { share: 0.15, draw: () => ({ type: 'chaos_isolated', payload: {} }) },
  // What has one attempt must fail when its worker is lost.
  { share: 2, draw: () => ({ type: 'chaos_quick', payload: {}, max_attempts: 1 }) },
  {
    share: 6,
    draw: (random) => ({
      type: 'chaos_transfer',
      payload: {},
      key: String(random.integer(1, KEYS)),
    }),
  },
  {
    share: 10,
    draw: (random) => ({ type: 'chaos_quick', payload: {}, delay: random.integer(1, 10) }),
  },
  { share: 2, draw: () => ({ type: 'chaos_quick', payload: {}, delay: FAR_SECONDS }) },
]

/** Mostly short jobs, for measuring throughput, and always some that are held when a fault strikes. */
export const STEADY: readonly Kind[] = [
  { share: 50, draw: () => ({ type: 'chaos_quick', payload: {} }) },
  { share: 45, draw: () => ({ type: 'chaos_transfer', payload: {} }) },
  {
    share: 5,
    draw: (random) => ({ type: 'chaos_long', payload: { ms: random.integer(500, 2_500) } }),
  },
]

export function drawJob(kinds: readonly Kind[], random: Random): NewJob {
  let ticket = random.next() * kinds.reduce((sum, { share }) => sum + share, 0)
  for (const { share, draw } of kinds) {
    ticket -= share
    if (ticket < 0) return draw(random)
  }
  throw new RangeError('no kind of job to draw from')
}
