/** A file that the reader makes. */
export interface FileStep {
  readonly kind: 'file'
  readonly line: number
  readonly path: string
  readonly text: string
}

/** A block of commands, or of SQL, that the reader runs. */
export interface RunStep {
  readonly kind: 'sh' | 'sql'
  /** Line of the document, for whoever has to find it. */
  readonly line: number
  readonly text: string
  /** It goes on while later ones run. */
  readonly background: boolean
  /** It ends with another exit code than 0. */
  readonly fails: boolean
  /** It may be run again until its output is as expected. */
  readonly again: boolean
  /** Fragments that its output holds, in this order; `…` stands for anything within a line. */
  readonly expected: readonly string[]
}

export type Step = FileStep | RunStep

interface Block {
  readonly line: number
  readonly language: string
  readonly words: readonly string[]
  readonly text: string
}

const FENCE = /^```(\S*)[ ]?(.*)\n([\s\S]*?)^```$/gm

/**
 * What a Markdown document tells its reader to do, in order. The words after a block's language say what
 * it is: `run` (with `background`, `fails`, `again`), `file=PATH`, or `output` of the block before.
 * Blocks without such words are only read.
 */
export function stepsOf(markdown: string): Step[] {
  const steps: Step[] = []
  for (const block of blocksOf(markdown)) {
    const path = block.words.find((word) => word.startsWith('file='))?.slice('file='.length)
    if (path !== undefined) {
      steps.push({ kind: 'file', line: block.line, path, text: block.text })
    } else if (block.words.includes('run')) {
      steps.push(runStep(block))
    } else if (block.words.includes('output')) {
      const last = steps.at(-1)
      if (last === undefined || last.kind === 'file') {
        throw new Error(`line ${block.line}: output of nothing`)
      }
      steps[steps.length - 1] = { ...last, expected: block.text.trimEnd().split('\n') }
    }
  }
  return steps
}

function* blocksOf(markdown: string): Iterable<Block> {
  for (const match of markdown.matchAll(FENCE)) {
    const [, language = '', words = '', text = ''] = match
    const line = markdown.slice(0, match.index).split('\n').length
    yield { line, language, words: words.split(' ').filter((word) => word !== ''), text }
  }
}

function runStep({ line, language, words, text }: Block): RunStep {
  if (language !== 'sh' && language !== 'sql') {
    throw new Error(`line ${line}: a block of "${language}" cannot be run`)
  }
  return {
    kind: language,
    line,
    text,
    background: words.includes('background'),
    fails: words.includes('fails'),
    again: words.includes('again'),
    expected: [],
  }
}

/** The first expected fragment that an output lacks, or undefined if it has them all in order. */
export function missingFragment(output: string, expected: readonly string[]): string | undefined {
  const lines = output.split('\n').map(withoutBlanks)
  let from = 0
  for (const fragment of expected.filter((line) => line.trim() !== '')) {
    const pattern = new RegExp(withoutBlanks(fragment).split(/ ?… ?/).map(literally).join('.*'))
    const found = lines.findIndex((line, index) => index >= from && pattern.test(line))
    if (found === -1) return fragment
    from = found + 1
  }
  return undefined
}

/** Tables are as wide as what is in them, so that their blanks prove nothing. */
function withoutBlanks(line: string): string {
  return line.replaceAll(/\s+/g, ' ').trim()
}

/** A pattern that matches this text and nothing else. */
export function literally(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`)
}
