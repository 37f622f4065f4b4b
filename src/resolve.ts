import { readFileSync } from 'node:fs'
import { type ResolveFnOutput, registerHooks } from 'node:module'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** `.ts` when this runs unbuilt from a checkout, `.js` when it was built. */
const SUFFIX = extname(import.meta.url)

/** What an executor may import although the folders above it do not have it. */
const FALLBACKS = /^zod(\/|$)/

/** In TypeScript that only loses its types, these can begin a line of nothing but a module. */
const MODULE_SYNTAX = /^\s*(import|export)\s/m

let isInstalled = false

/**
 * Lets executors live in any folder, with or without a package.json: from now on `jobtable` is the
 * copy that runs, wherever it is imported, since an executor made by another copy would not be known
 * as one; and `zod` is this package's own where the importing folder has none. For `import`, and for
 * `require` in JavaScript. A module in TypeScript is one even where package.json says "type":
 * "commonjs", as `npm init` writes it. To be called before an executor is loaded; again, it does nothing.
 */
export function installResolveHook(): void {
  if (isInstalled) return
  isInstalled = true
  const running = new URL(`./index${SUFFIX}`, import.meta.url).href
  registerHooks({
    resolve: (specifier, context, nextResolve) => {
      if (specifier === 'jobtable') return { url: running, shortCircuit: true }
      try {
        const found = nextResolve(specifier, context)
        return isMislabelled(found) ? { ...found, format: 'module-typescript' } : found
      } catch (error) {
        if (!FALLBACKS.test(specifier)) throw error
        return { url: import.meta.resolve(specifier), shortCircuit: true }
      }
    },
  })
}

/** Whether a file is a module in TypeScript, and its package.json says that it is none. */
function isMislabelled({ url, format }: ResolveFnOutput): boolean {
  return (
    format === 'commonjs-typescript' && MODULE_SYNTAX.test(readFileSync(fileURLToPath(url), 'utf8'))
  )
}

/**
 * The folder of the executors that come with the package: their sources in a checkout, else what the
 * build made of them, because Node strips no types below node_modules.
 */
export function bundledExecutors(): string {
  const folder = SUFFIX === '.ts' ? '../executors' : './executors'
  return fileURLToPath(new URL(folder, import.meta.url))
}
