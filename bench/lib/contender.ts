import { spawnSync } from 'node:child_process'
import { basename, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadSystems } from '../systems/index.ts'
import type { System, Variant } from '../systems/system.ts'

/** The source tree that the bench itself belongs to. */
export const REPOSITORY: string = fileURLToPath(new URL('../..', import.meta.url))

/** A system with its settings, and for jobtable the source tree. */
export interface Contender {
  /** system:variant, or system@tree:variant where there are several trees. */
  readonly label: string
  readonly system: System
  readonly variant: Variant
  readonly checkout: string
}

/** What a tree is called that git does not know. */
const NO_COMMIT = 'none'

/** A source tree of jobtable that is measured. */
export interface Checkout {
  readonly dir: string
  readonly commit: string
  /** Whether it has changes that are in no commit. */
  readonly dirty: boolean
}

/** The commit of a tree; with a +, changes that are in none. */
export function treeName({ commit, dirty }: Pick<Checkout, 'commit' | 'dirty'>): string {
  return commit + (dirty ? '+' : '')
}

export function describeCheckout(dir: string): Checkout {
  const git = (...args: string[]): string =>
    spawnSync('git', ['-C', dir, ...args], { encoding: 'utf8' }).stdout?.trim() ?? ''
  return {
    dir: resolve(dir),
    commit: git('rev-parse', '--short', 'HEAD') || NO_COMMIT,
    dirty: git('status', '--porcelain', '--', 'src', 'sql') !== '',
  }
}

/** Every variant of every system: those of the package once, those of jobtable for each tree. */
export async function contendersOf(checkouts: readonly Checkout[]): Promise<readonly Contender[]> {
  const systems = await loadSystems()
  return systems.flatMap((system) =>
    (system.name === 'jobtable' ? checkouts : checkouts.slice(0, 1)).flatMap((checkout) =>
      system.variants.map((variant) => ({
        label: `${nameOf(system, checkout, checkouts)}:${variant.name}`,
        system,
        variant,
        checkout: checkout.dir,
      })),
    ),
  )
}

function nameOf(system: System, checkout: Checkout, checkouts: readonly Checkout[]): string {
  if (system.name !== 'jobtable' || checkouts.length === 1) return system.name
  const { dir, commit } = checkout
  const isUnique = checkouts.filter((other) => other.commit === commit).length === 1
  const isNamed = isUnique && commit !== NO_COMMIT
  return `${system.name}@${isNamed ? treeName(checkout) : basename(dir)}`
}

/** Whether a contender is meant by a name: with its tree or without, with its variant or without. */
export function isMeant({ label, system, variant }: Contender, name: string): boolean {
  return [label, label.split(':')[0], system.name, `${system.name}:${variant.name}`].includes(name)
}
