/** An interval: text, or what node-postgres reads, which knows its text. */
export type Interval = string | { toPostgres(): string }
