import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { plotLines, plotOf } from '../../src/cli/plot.ts'
import { plotSvg } from '../../src/cli/svg.ts'
import type { PlotData } from '../../src/queries/report.ts'

const bars = (kind: PlotData['kind'], ...values: readonly (number | string)[]) =>
  plotOf({ kind, values: values.map(String) }).bars.map(({ label, count }) => [label, count])

describe('a plot', () => {
  test('of one number has one bar', () => {
    expect(bars('number', 5, 5)).toEqual([['5', 2]])
  })

  test('has empty ranges between the values', () => {
    expect(bars('number', -1, 1, 0.5)).toHaveLength(21)
    expect(bars('number', -1, 1, 0.5)[1]).toEqual(['-0.9', 0])
  })

  test('of whole numbers has none between them', () => {
    expect(bars('number', -1, 1)).toEqual([
      ['-1', 1],
      ['0', 0],
      ['1', 1],
    ])
  })

  test('of durations names them as people do', () => {
    expect(bars('duration', 0.2, 120)[0]).toEqual(['0 ms', 1])
    expect(bars('duration', 0.2, 120).at(-1)).toEqual(['2 min 0 s', 1])
  })

  test('of too many words has the rest of them together', () => {
    const words = Array.from({ length: 100 }, (_, n) => `w${n}`)
    expect(bars('text', 'often', 'often', ...words)[0]).toEqual(['often', 2])
    expect(bars('text', ...words).at(-1)).toEqual(['71 others', 71])
  })

  test('leaves out what is no number', () => {
    expect(bars('number', 'NaN', 'Infinity', 1)).toEqual([['1', 1]])
    expect(bars('number', 'NaN')).toEqual([])
  })

  test('counts each value once, in few bars, whatever the values', () => {
    const kind = fc.constantFrom('number', 'duration', 'time', 'text' as const)
    const values = fc.array(
      fc.oneof(fc.integer(), fc.double({ noNaN: true, min: -1e12, max: 1e12 })),
      {
        minLength: 1,
      },
    )
    fc.assert(
      fc.property(kind, values, (drawn, numbers) => {
        const plot = plotOf({ kind: drawn, values: numbers.map(String) })
        expect(plot.bars.reduce((sum, { count }) => sum + count, 0)).toBe(numbers.length)
        expect(plot.bars.length).toBeLessThanOrEqual(30)
      }),
    )
  })
})

test('a bar too short to see is seen, none is not', () => {
  const plot = {
    form: 'bars',
    bars: [1_000, 1, 0].map((count) => ({ label: 'x', count })),
  } as const
  expect(plotLines(plot)).toEqual([`x  ${'█'.repeat(50)} 1,000`, 'x  ▏ 1', 'x   0'])
})

test('an SVG escapes what people have written', () => {
  const svg = plotSvg({ form: 'bars', bars: [{ label: '<b>&', count: 1 }] }, 'a < b')
  expect(svg).toContain('&lt;b&gt;&amp;')
  expect(svg).toContain('a &lt; b')
})
