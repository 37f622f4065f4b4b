import type { Progress } from '../executor.ts'
import { type Line, type SentEnd, type SentReport, tagged } from './messages.ts'
import { fromWire, type WireThrown } from './wire-error.ts'

/** What the worker is asked to do, and answers. */
type Question =
  | { readonly kind: 'facet'; readonly name: string; readonly fields: string }
  | { readonly kind: 'transaction' }

/**
 * The process's end of the channel to its worker. While the worker is slow to read, progress and
 * lines wait here: of progress only the latest value, and never more than one message in the channel.
 */
export class Channel {
  readonly #questions = new Map<number, PromiseWithResolvers<void>>()
  #asked = 0
  #progress: Progress | undefined
  #lines: Line<string>[] = []
  #telling = false

  progress(update: Progress): void {
    this.#progress = { ...this.#progress, ...update }
    this.#tell()
  }

  lines(lines: readonly Line<string>[]): void {
    this.#lines.push(...lines)
    this.#tell()
  }

  /** Asks the worker to do something, after all that was told. Rejects with what it met. */
  async ask(question: Question): Promise<void> {
    this.#sendTold()
    const n = (this.#asked += 1)
    const answered = Promise.withResolvers<void>()
    this.#questions.set(n, answered)
    this.#send({ ...question, n })
    await answered.promise
  }

  answer(n: number, error: WireThrown | undefined): void {
    const question = this.#questions.get(n)
    this.#questions.delete(n)
    if (error === undefined) question?.resolve()
    else question?.reject(fromWire(error))
  }

  /** The last report. */
  end(report: SentEnd): void {
    this.#sendTold()
    this.#send(report)
  }

  #tell(): void {
    if (this.#telling || (this.#progress === undefined && this.#lines.length === 0)) return
    this.#telling = true
    this.#sendTold(() => {
      this.#telling = false
      this.#tell()
    })
  }

  #sendTold(sent?: () => void): void {
    if (this.#progress === undefined && this.#lines.length === 0) return
    const progress = this.#progress
    const lines = this.#lines
    this.#progress = undefined
    this.#lines = []
    this.#send({ kind: 'told', progress, lines }, sent)
  }

  #send(report: SentReport, sent?: () => void): void {
    // Fails only when the worker is gone, which ends this process.
    process.send?.(tagged(report), undefined, undefined, () => sent?.())
  }
}
