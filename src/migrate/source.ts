import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { codeOf } from '../errors.ts'
import { MigrateError } from './error.ts'

/** One file below the SQL folder. */
export interface SqlFile {
  /** Path from the SQL folder, such as `functions/claim.sql`. */
  readonly path: string
  /** What the file is called, without folder, number and suffix. */
  readonly name: string
  readonly sql: string
}

/** A numbered change of tables. Once released, its file never changes. */
export interface Migration extends SqlFile {
  /** 1, 2, 3 and so on. */
  readonly version: number
  /** Versions of jobtable that do not know it must not work on a database that has it. */
  readonly breaking: boolean
  /** SHA-256 of the file, in hexadecimal. */
  readonly checksum: string
}

/** All SQL that one version of jobtable consists of, in the order of application. */
export interface Source {
  readonly packageVersion: string
  readonly bootstrap: SqlFile
  /** Functions that column defaults call, marked `--! before tables`. */
  readonly early: readonly SqlFile[]
  readonly migrations: readonly Migration[]
  /** The other functions with their triggers, then the views. */
  readonly routines: readonly SqlFile[]
  /** Comments and grants, on whatever exists by then. */
  readonly finish: readonly SqlFile[]
  /** SHA-256 over every file but the migrations, in hexadecimal. */
  readonly routinesHash: string
}

export interface SourceOptions {
  /** Folder with the SQL. Default: the one of this package. */
  readonly sqlDir?: string
  /** Version that the SQL belongs to. Default: this package's. */
  readonly packageVersion?: string
}

/** Reads a version's SQL. @throws MigrateError `bad_source` */
export async function loadSource(options: SourceOptions = {}): Promise<Source> {
  const root = options.sqlDir ?? fileURLToPath(new URL('../../sql', import.meta.url))
  const bootstrap = await readSql(root, 'bootstrap.sql')
  const grants = await readSql(root, 'grants.sql')
  const functions = await readFolder(root, 'functions')
  const views = await readFolder(root, 'views')
  const comments = await readFolder(root, 'comments')
  return {
    packageVersion: options.packageVersion ?? (await ownVersion()),
    bootstrap,
    early: inOrder(functions.filter(isEarly)),
    migrations: numbered(await readFolder(root, 'migrations')),
    routines: [...inOrder(functions.filter((file) => !isEarly(file))), ...inOrder(views)],
    finish: [...comments, grants],
    routinesHash: hashOf([bootstrap, ...functions, ...views, ...comments, grants]),
  }
}

async function ownVersion(): Promise<string> {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8')
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version
}

/** A folder's files by name; none if there is no such folder. */
async function readFolder(root: string, folder: string): Promise<SqlFile[]> {
  const names = await readdir(join(root, folder)).catch((cause: unknown) => {
    if (codeOf(cause) === 'ENOENT') return []
    throw cause
  })
  const paths = names.filter((name) => name.endsWith('.sql')).toSorted()
  return Promise.all(paths.map((name) => readSql(root, `${folder}/${name}`)))
}

async function readSql(root: string, path: string): Promise<SqlFile> {
  const text = await readFile(join(root, path), 'utf8').catch((cause: unknown) => {
    if (codeOf(cause) !== 'ENOENT') throw cause
    throw badSource(path, `is missing in ${root}`, 'restore it', cause)
  })
  const name = path.replace(/^.*\//, '').replace(/\.sql$/, '')
  // A checkout on Windows must have the same checksums.
  return { path, name, sql: text.replaceAll('\r\n', '\n') }
}

function numbered(files: readonly SqlFile[]): Migration[] {
  return files.map((file, index) => {
    const [, digits, name] = /^(\d{4})_([a-z0-9_]+)$/.exec(file.name) ?? []
    if (digits === undefined || name === undefined || Number(digits) !== index + 1) {
      const expected = `${String(index + 1).padStart(4, '0')}_<name>.sql`
      throw badSource(
        file.path,
        `stands where ${expected} is due`,
        'number migrations without gaps',
      )
    }
    return {
      ...file,
      name,
      version: index + 1,
      breaking: directives(file).includes('breaking'),
      checksum: createHash('sha256').update(file.sql).digest('hex'),
    }
  })
}

/** Alphabetical, but each file after those that its `--! requires: a, b` names. */
function inOrder(files: readonly SqlFile[]): SqlFile[] {
  const byName = new Map(files.map((file) => [file.name, file]))
  const ordered = new Set<SqlFile>()
  const visit = (file: SqlFile, path: readonly SqlFile[]): void => {
    if (path.includes(file)) {
      const cycle = [...path, file].map(({ name }) => name).join(' → ')
      throw badSource(file.path, `requires itself: ${cycle}`, 'break the circle')
    }
    for (const name of requirements(file)) {
      const required = byName.get(name)
      if (required === undefined) {
        throw badSource(
          file.path,
          `requires "${name}"`,
          'name a file that is applied together with it',
        )
      }
      visit(required, [...path, file])
    }
    ordered.add(file)
  }
  for (const file of files) visit(file, [])
  return [...ordered]
}

function isEarly(file: SqlFile): boolean {
  return directives(file).includes('before tables')
}

function requirements(file: SqlFile): string[] {
  return directives(file)
    .filter((directive) => directive.startsWith('requires:'))
    .flatMap((directive) => directive.slice('requires:'.length).split(','))
    .map((name) => name.trim())
}

/** The lines `--! …` that a file begins with. */
function directives(file: SqlFile): string[] {
  const found = [...(/^(?:--!.*(?:\n|$))+/.exec(file.sql)?.[0] ?? '').matchAll(/--!(.*)/g)]
  return found.map(([, text = '']) => {
    const directive = text.trim()
    if (/^(breaking|before tables|requires:.*)$/.test(directive)) return directive
    throw badSource(file.path, `has an unknown line "--! ${directive}"`, 'see sql/README.md')
  })
}

function hashOf(files: readonly SqlFile[]): string {
  const hash = createHash('sha256')
  for (const { path, sql } of files) hash.update(`${path}\0${sql}\0`)
  return hash.digest('hex')
}

function badSource(path: string, fact: string, remedy: string, cause?: unknown): MigrateError {
  return new MigrateError('bad_source', { object: `sql/${path}`, fact, remedy }, { cause })
}
