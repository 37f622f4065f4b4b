import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readFile,
  realpath,
  rename,
  rm,
  writeFile,
} from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { type Account, canUseDirectory, chooseAccount } from './account.ts'
import { EmbeddedError, systemErrorCode } from './errors.ts'

/** A data folder and what lies where in it. */
export interface Folder {
  /** The folder the user named: passwords, port, lock. */
  readonly root: string
  /** Where the server's files are: `root`, unless the server's account cannot enter that. */
  readonly home: string
  /** The cluster's directory; absent until it is complete. */
  readonly pgdata: string
  /** What the server writes to its standard error. */
  readonly log: string
  /** Passwords in the format of libpq's PGPASSFILE, mode 0600. */
  readonly passfile: string
  /** The account that runs the server. */
  readonly account: Account
}

/** The roles of an embedded cluster: its superuser, and the one everybody is meant to use. */
export const ADMIN_ROLE = 'postgres'
export const USER_ROLE = 'jobtable'

/** The passwords by role. */
export type Passwords = Readonly<Record<typeof ADMIN_ROLE | typeof USER_ROLE, string>>

/** Where root keeps data whose own folder the server's account cannot enter (FHS: state of programs). */
const ROOT_STATE_DIR = '/var/lib/jobtable'

/** Names, inside the folder, the place elsewhere that holds its data. */
const POINTER = 'location'

/** Creates the folder if need be and returns its real path. Others may pass through it, not list it. */
export async function createRoot(dataDir: string): Promise<string> {
  const path = resolve(dataDir)
  try {
    await mkdir(path, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 })
    return await realpath(path)
  } catch (cause) {
    throw new EmbeddedError(
      'not_owner',
      `the data folder ${path} cannot be created (${systemErrorCode(cause)}): name another one`,
      { cause },
    )
  }
}

/**
 * Finds where the folder's data is, or is to be, and who runs its server.
 *
 * @throws EmbeddedError `data_missing`, `data_unreachable`, and those of `chooseAccount`
 */
export async function openFolder(root: string, onLog: (line: string) => void): Promise<Folder> {
  const pointer = join(root, POINTER)
  const elsewhere = existsSync(pointer) ? (await readFile(pointer, 'utf8')).trim() : undefined
  const home = elsewhere ?? root
  if (!existsSync(home)) {
    throw new EmbeddedError(
      'data_missing',
      `${pointer} says that the data is in ${home}, which does not exist: ` +
        `bring it back, or remove ${root} to begin anew`,
    )
  }
  const folder = layOut(root, home, chooseAccount(join(home, 'pgdata')))
  if (elsewhere === undefined && !existsSync(folder.pgdata)) {
    if (await isUsable(folder)) return folder
    const moved = await createElsewhere(root)
    onLog(`${folder.account.name} cannot enter ${root}: keeping the data in ${moved}`)
    await writeWhole(pointer, `${moved}\n`)
    return layOut(root, moved, folder.account)
  }
  if (existsSync(folder.pgdata) && !canUseDirectory(folder.account, folder.pgdata)) {
    throw new EmbeddedError(
      'data_unreachable',
      `${folder.account.name}, who runs the server, cannot enter ${folder.pgdata}: ` +
        'give the folders above it the right x for all, or move the data folder',
    )
  }
  return folder
}

/** Creates an empty directory that belongs to the server's account, replacing what is there. */
export async function createServerDirectory(account: Account, path: string): Promise<void> {
  await rm(path, { recursive: true, force: true })
  await mkdir(path, { mode: 0o700 })
  if (account.ids !== undefined) await chown(path, account.ids.uid, account.ids.gid)
}

/** The passwords kept in the folder; undefined if there are none. */
export async function readPasswords(folder: Folder): Promise<Passwords | undefined> {
  if (!existsSync(folder.passfile)) return undefined
  const text = await readFile(folder.passfile, 'utf8').catch((cause: unknown) => {
    throw new EmbeddedError(
      'not_owner',
      `${folder.passfile} cannot be read (${systemErrorCode(cause)}): ` +
        'run as the user who created the data folder, or name another one',
      { cause },
    )
  })
  const byRole = new Map(
    text.split('\n').map((line) => {
      const [, , , role = '', password = ''] = line.split(':')
      return [role, password] as const
    }),
  )
  const admin = byRole.get(ADMIN_ROLE)
  const user = byRole.get(USER_ROLE)
  return admin && user ? { [ADMIN_ROLE]: admin, [USER_ROLE]: user } : undefined
}

/** Makes new passwords and keeps them in the folder. */
export async function createPasswords(folder: Folder): Promise<Passwords> {
  // Hexadecimal: nothing to escape in a URL, in SQL or in the password file.
  const passwords: Passwords = {
    [ADMIN_ROLE]: randomBytes(24).toString('hex'),
    [USER_ROLE]: randomBytes(24).toString('hex'),
  }
  const lines = Object.entries(passwords).map(
    ([role, password]) => `127.0.0.1:*:*:${role}:${password}\n`,
  )
  await writeWhole(folder.passfile, lines.join(''))
  return passwords
}

/** The port of the last start; undefined before the first. */
export async function readPort(folder: Folder): Promise<number | undefined> {
  const text = await readFile(portFile(folder), 'utf8').catch(() => '')
  return Number.parseInt(text, 10) || undefined
}

/** Keeps the port, so that connection strings stay valid over restarts. */
export async function keepPort(folder: Folder, port: number): Promise<void> {
  if ((await readPort(folder)) !== port) await writeWhole(portFile(folder), `${port}\n`)
}

function portFile(folder: Folder): string {
  return join(folder.root, 'port')
}

function layOut(root: string, home: string, account: Account): Folder {
  return {
    root,
    home,
    account,
    pgdata: join(home, 'pgdata'),
    log: join(root, 'server.log'),
    passfile: join(root, 'pgpass'),
  }
}

async function isUsable(folder: Folder): Promise<boolean> {
  if (folder.account.ids === undefined) return true
  const probe = join(folder.home, 'probe')
  await createServerDirectory(folder.account, probe)
  try {
    return canUseDirectory(folder.account, probe)
  } finally {
    await rm(probe, { recursive: true, force: true })
  }
}

async function createElsewhere(root: string): Promise<string> {
  await mkdir(ROOT_STATE_DIR, { recursive: true, mode: 0o755 })
  const hash = createHash('sha256').update(root).digest('hex').slice(0, 8)
  const path = await mkdtemp(join(ROOT_STATE_DIR, `${basename(root).replace(/^\./, '')}-${hash}-`))
  await chmod(path, 0o711)
  return path
}

/** A reader, or a crash, meets the old file or the new one, never half of one. */
async function writeWhole(path: string, text: string): Promise<void> {
  const unfinished = `${path}.${randomBytes(4).toString('hex')}`
  await writeFile(unfinished, text, { mode: 0o600 })
  await rename(unfinished, path)
}
