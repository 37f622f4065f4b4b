import type { Readable } from 'node:stream'

/** The longest line that is kept, in characters; a longer one is cut up. */
const MAX_LINE = 1_000

/** Calls back with every line of a stream, the last one too if it has no end. */
export function eachLine(stream: Readable, onLine: (line: string) => void): void {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (text: string) => {
    const lines = (rest + text).split(/\r?\n/)
    rest = lines.pop() ?? ''
    for (const line of lines) cut(line, onLine)
    while (rest.length >= MAX_LINE) {
      onLine(rest.slice(0, MAX_LINE))
      rest = rest.slice(MAX_LINE)
    }
  })
  stream.on('end', () => {
    if (rest !== '') onLine(rest)
  })
}

function cut(line: string, onLine: (line: string) => void): void {
  for (let at = 0; at === 0 || at < line.length; at += MAX_LINE) {
    onLine(line.slice(at, at + MAX_LINE))
  }
}
