import type { Attempt, Scene } from './attempt.ts'
import { forgeries, historyForgeries } from './forge.ts'
import { imitations, leaks } from './imitate.ts'
import { facetForgeries, thefts } from './steal.ts'

/** All that the hostile owner tries by hand; what can be generated is in probes.ts. */
export function attemptsOf(scene: Scene): readonly Attempt[] {
  return [
    ...forgeries(scene),
    ...historyForgeries(scene),
    ...thefts(scene),
    ...facetForgeries(scene),
    ...imitations(scene),
    ...leaks(scene),
  ]
}
