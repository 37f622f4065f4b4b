import { cut, oneLine, paint } from './output.ts'

/** How far something is. */
export interface ProgressState {
  /** From 0 to 1; null: not known. */
  readonly fraction: number | null
  readonly stage: string | null
  readonly message: string | null
}

/** Columns of the bar itself. */
const BAR_COLUMNS = 24

/** `████████░░░░  33 %`; empty if the fraction is not known. */
export function bar(fraction: number | null, columns: number = BAR_COLUMNS): string {
  if (fraction === null) return ''
  const full = Math.round(fraction * columns)
  return `${'█'.repeat(full)}${'░'.repeat(columns - full)} ${percent(fraction)}`
}

/** ` 33 %`: 100 % is nothing less than the whole. */
export function percent(fraction: number): string {
  return `${String(Math.floor(fraction * 100)).padStart(3)} %`
}

/** Stage and message as one text. */
export function progressText({ stage, message }: ProgressState): string {
  return [stage, message].filter((part) => part !== null && part !== '').join(': ')
}

/**
 * Shows one progress on standard error: as a line that is drawn anew on a terminal, elsewhere as a
 * plain line for each change.
 */
export class ProgressBar {
  readonly #label: string
  readonly #stream: NodeJS.WriteStream
  #drawn = false
  #last = ''

  constructor(label: string, stream: NodeJS.WriteStream = process.stderr) {
    this.#label = label
    this.#stream = stream
  }

  show(progress: ProgressState, status: string): void {
    const text = oneLine(progressText(progress))
    if (this.#stream.isTTY) {
      this.#draw([this.#label, bar(progress.fraction) || status, text].filter(Boolean).join('  '))
      return
    }
    const known = progress.fraction === null ? status : percent(progress.fraction).trim()
    const line = [this.#label, known, text].filter(Boolean).join('  ')
    if (line === this.#last) return
    this.#last = line
    this.#stream.write(`${line}\n`)
  }

  /** Prints a line above the bar. */
  above(line: string): void {
    this.clear()
    this.#stream.write(`${line}\n`)
    if (this.#stream.isTTY && this.#last !== '') this.#draw(this.#last)
  }

  /** Takes the bar away. */
  clear(): void {
    if (this.#drawn) this.#stream.write('\r\u001B[K')
    this.#drawn = false
  }

  #draw(line: string): void {
    this.#last = line
    this.#stream.write(`\r\u001B[K${paint('cyan', cut(line, this.#stream), this.#stream)}`)
    this.#drawn = true
  }
}
