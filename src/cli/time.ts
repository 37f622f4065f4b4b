/** Local time: `2030-01-31 08:00:00`; empty for null. */
export function timeText(time: Date | null): string {
  if (time === null) return ''
  // Swedish writes dates as ISO 8601 does.
  return time.toLocaleString('sv-SE')
}

/** `340 ms`, `1.2 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`; empty for null. */
export function durationText(ms: number | null): string {
  if (ms === null) return ''
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  const seconds = Math.floor(ms / 1_000)
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 1_440) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
  const hours = Math.floor(minutes / 60)
  return `${Math.floor(hours / 24)} d ${hours % 24} h`
}
