/** A source of chance that a seed repeats. */
export interface Random {
  /** From 0 to 1, without 1. */
  next(): number
  /** From `least` to `most`, both included. */
  integer(least: number, most: number): number
  pick<T>(items: readonly [T, ...T[]]): T
}

/** Several streams of one seed are told apart by name, so that none depends on how much another drew. */
export function createRandom(seed: number, stream: string): Random {
  let state = seed >>> 0
  for (const char of stream) state = Math.imul(state ^ (char.codePointAt(0) ?? 0), 0x9e3779b1) >>> 0
  // Mulberry32, by Tommy Ettinger (public domain).
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    next,
    integer: (least, most) => least + Math.floor(next() * (most - least + 1)),
    pick: (items) => items[Math.floor(next() * items.length)] ?? items[0],
  }
}
