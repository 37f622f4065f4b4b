// An attempt of a hostile owner with a submitter's rights. Its schema is "mine".

/** Whom and what the attempts are about. */
export interface Scene {
  /** The hostile owner. */
  readonly mallory: string
  /** Whose jobs it is after; they hold the word that must not leak. */
  readonly victim: string
  /** An owner that lets the hostile one view its jobs, and no more. */
  readonly vera: string
  readonly own: Jobs
  readonly theirs: Jobs
  readonly shared: Jobs
  /** The group of the admins. */
  readonly admin: string
}

export interface Jobs {
  readonly new: string
  readonly started: string
  readonly completed: string
}

/** Statements in one transaction. The last one's rows, if it comes so far, are the loot. */
export interface Attempt {
  readonly name: string
  readonly statements: readonly string[]
}

/** The word in all that is the victim's. */
export const SECRET = 'opensesame'

export function attempt(name: string, ...statements: string[]): Attempt {
  return { name, statements }
}

/** Succeeds if the statement writes more rows than a query allows, which asks before. */
export function writing(name: string, statement: string, allowed: string): Attempt {
  return attempt(
    name,
    `do $$ declare n bigint; allowed bigint; begin
       allowed := (${allowed}); ${statement}; get diagnostics n = row_count;
       if n <= allowed then raise insufficient_privilege; end if; end $$`,
    'select 1',
  )
}

/** Passes the guard of UPDATE, if nothing else stands in the way. */
export const AS_QUEUE: string = `set local jobtable.writer = 'queue'`
