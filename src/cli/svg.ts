import { oneLine } from './output.ts'
import type { Plot } from './plot.ts'

/** In pixels. */
const WIDTH = 800
const HEIGHT = 400
const MARGIN = { top: 40, right: 20, bottom: 130, left: 60 }
const COLOUR = '#2b6cb0'
/** Longer labels would leave the picture. */
const LABEL_LENGTH = 20

/** A plot as an SVG document, for browsers and documents. */
export function plotSvg({ form, bars }: Plot, title: string): string {
  const most = bars.reduce((top, { count }) => Math.max(top, count), 1)
  const slot = (WIDTH - MARGIN.left - MARGIN.right) / Math.max(bars.length, 1)
  const floor = HEIGHT - MARGIN.bottom
  const x = (at: number): number => round(MARGIN.left + at * slot)
  const y = (count: number): number => round(floor - (count / most) * (floor - MARGIN.top))
  const middle = (at: number): number => round(x(at) + slot / 2)
  const shapes =
    form === 'line'
      ? [
          `<polyline fill="none" stroke="${COLOUR}" stroke-width="2" points="${bars.map(({ count }, at) => `${middle(at)},${y(count)}`).join(' ')}"/>`,
        ]
      : bars.map(
          ({ count }, at) =>
            `<rect x="${x(at)}" y="${y(count)}" width="${round(slot * 0.9)}" height="${round(floor - y(count))}" fill="${COLOUR}"/>`,
        )
  const labels = bars.map(
    ({ label }, at) =>
      `<text x="${middle(at)}" y="${floor + 12}" text-anchor="end" transform="rotate(-60 ${middle(at)} ${floor + 12})">${escape(shorten(label))}</text>`,
  )
  const marks = [0, most].map(
    (count) =>
      `<text x="${MARGIN.left - 8}" y="${y(count) + 4}" text-anchor="end">${count.toLocaleString('en')}</text>`,
  )
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="11">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>`,
    `<text x="${MARGIN.left}" y="22" font-size="15">${escape(title)}</text>`,
    `<path d="M${MARGIN.left} ${MARGIN.top}V${floor}H${WIDTH - MARGIN.right}" fill="none" stroke="black"/>`,
    ...marks,
    ...shapes,
    ...labels,
    '</svg>',
    '',
  ].join('\n')
}

function shorten(text: string): string {
  return text.length > LABEL_LENGTH ? `${text.slice(0, LABEL_LENGTH - 1)}…` : text
}

function escape(text: string): string {
  return oneLine(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .toWellFormed()
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
