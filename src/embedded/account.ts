import { spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { userInfo } from 'node:os'
import { EmbeddedError, systemErrorCode } from './errors.ts'

/** The operating-system user that runs the server. */
export interface Account {
  /** For messages. */
  readonly name: string
  /** What `spawn` needs to become that user; undefined = this process's own user. */
  readonly ids: { readonly uid: number; readonly gid: number } | undefined
}

/** PostgreSQL refuses to run as root. Tried in this order; no account is ever created. */
const ORDINARY_ACCOUNTS = ['postgres', 'nobody'] as const

/**
 * The account for the server of a data folder: this process's own, or, for root, the owner of the
 * data there already is, else the first of `postgres`, `nobody` that exists.
 *
 * @param pgdata the cluster's directory, which need not exist
 * @throws EmbeddedError `not_owner`, `no_account`
 */
export function chooseAccount(pgdata: string): Account {
  const uid = process.getuid?.()
  const owner = statSync(pgdata, { throwIfNoEntry: false })
  if (uid !== 0) {
    if (uid !== undefined && owner !== undefined && owner.uid !== uid) {
      throw new EmbeddedError(
        'not_owner',
        `${pgdata} belongs to uid ${owner.uid}, this process runs as uid ${uid}: ` +
          'run as its owner or as root, or name another data folder',
      )
    }
    return { name: `uid ${uid ?? 'unknown'}`, ids: undefined }
  }
  if (owner !== undefined && owner.uid !== 0) {
    return { name: `uid ${owner.uid}`, ids: { uid: owner.uid, gid: owner.gid } }
  }
  for (const name of ORDINARY_ACCOUNTS) {
    const ids = lookUp(name)
    if (ids !== undefined && ids.uid !== 0) return { name, ids }
  }
  throw new EmbeddedError(
    'no_account',
    `PostgreSQL refuses to run as root, and neither ${ORDINARY_ACCOUNTS.join(' nor ')} exists: ` +
      'run as an ordinary user, or name a server with --database-url',
  )
}

/**
 * initdb needs a name for the user it runs as.
 *
 * @throws EmbeddedError `no_passwd_entry`
 */
export function requireUserName(account: Account): void {
  if (account.ids !== undefined) return
  try {
    userInfo()
  } catch (cause) {
    throw new EmbeddedError(
      'no_passwd_entry',
      `uid ${process.getuid?.()} has no entry in /etc/passwd, and PostgreSQL's initdb needs one: ` +
        'run as a user that has one, or name a server with --database-url',
      { cause },
    )
  }
}

/**
 * Whether the account may enter and write a directory. Asked of the system itself, as that account:
 * mode bits alone would miss access lists, capabilities and mount options.
 *
 * @throws EmbeddedError `cannot_switch_account`
 */
export function canUseDirectory(account: Account, directory: string): boolean {
  if (account.ids === undefined) return true
  const probe = spawnSync('/bin/sh', ['-c', 'cd "$0" && test -w .', directory], {
    ...account.ids,
    cwd: '/',
    stdio: 'ignore',
  })
  if (probe.error !== undefined) throw switchError(account, probe.error)
  return probe.status === 0
}

/** What to report when a program could not be started as `account`. */
export function switchError(account: Account, cause: Error): EmbeddedError {
  return new EmbeddedError(
    'cannot_switch_account',
    `this process runs as root and cannot become ${account.name} ` +
      `(${systemErrorCode(cause) ?? cause.message}), as which PostgreSQL has to run: ` +
      'run as an ordinary user, or name a server with --database-url',
    { cause },
  )
}

function lookUp(name: string): { uid: number; gid: number } | undefined {
  const uid = spawnSync('id', ['-u', name], { encoding: 'utf8' })
  const gid = spawnSync('id', ['-g', name], { encoding: 'utf8' })
  if (uid.status !== 0 || gid.status !== 0) return undefined
  return { uid: Number(uid.stdout), gid: Number(gid.stdout) }
}
