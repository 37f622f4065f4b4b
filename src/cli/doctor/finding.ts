/**
 * `fault`: the queue does not work as it should, or soon will not. `warning`: a person should know.
 */
export type Verdict = 'ok' | 'warning' | 'fault'

/** What one check has found. A check may find several things. */
export interface Finding {
  /** Stable name of the check, for programs. */
  readonly check: string
  readonly verdict: Verdict
  readonly fact: string
  /** What to do about it; null if nothing is to be done. */
  readonly remedy: string | null
}

export function ok(check: string, fact: string): Finding {
  return { check, verdict: 'ok', fact, remedy: null }
}

export function fault(check: string, fact: string, remedy: string | null): Finding {
  return { check, verdict: 'fault', fact, remedy }
}

export function warning(check: string, fact: string, remedy: string | null): Finding {
  return { check, verdict: 'warning', fact, remedy }
}

/** The findings, or that all is well if there are none. */
export function orOk(
  findings: readonly Finding[],
  check: string,
  fact: string,
): readonly Finding[] {
  return findings.length > 0 ? findings : [ok(check, fact)]
}
