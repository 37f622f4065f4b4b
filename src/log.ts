/** Structured fields of a log line. */
export type LogFields = Readonly<Record<string, unknown>>

type Line = (message: string, fields?: LogFields) => void

/** The logger that executors get, and that a worker takes: one method a level. */
export interface Logger {
  readonly trace: Line
  readonly debug: Line
  readonly info: Line
  readonly warn: Line
  readonly error: Line
}

/** A logger whose lines go to one function. */
export function loggerTo(
  write: (level: keyof Logger, message: string, fields: LogFields | undefined) => void,
): Logger {
  return {
    trace: (message, fields) => write('trace', message, fields),
    debug: (message, fields) => write('debug', message, fields),
    info: (message, fields) => write('info', message, fields),
    warn: (message, fields) => write('warn', message, fields),
    error: (message, fields) => write('error', message, fields),
  }
}

/** A logger that adds fields to each line, whatever the line itself says of them. */
export function withFields(log: Logger, added: LogFields): Logger {
  return loggerTo((level, message, fields) => log[level](message, { ...fields, ...added }))
}

/** Says nothing. The default of the library; the command line logs with pino. */
export const silent: Logger = loggerTo(() => undefined)
