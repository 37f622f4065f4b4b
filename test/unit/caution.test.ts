import { expect, test } from 'vitest'
import { Caution } from '../../src/caution.ts'

test('claims all types together, without limit, until one is refused', () => {
  const caution = new Caution()
  expect(caution).toMatchObject({ apart: false, limit: Infinity })
  expect(caution.typesInTurn(['a', 'b'])).toEqual(['a', 'b'])
})

test('then each type has its turn, with half as many jobs, until all have succeeded', () => {
  const caution = new Caution()
  caution.refused(10, 3)
  expect(caution).toMatchObject({ apart: true, limit: 5 })
  const turns: string[] = []
  while (caution.apart) {
    turns.push(...caution.typesInTurn(['a', 'b', 'c']))
    caution.succeeded()
  }
  expect(turns.toSorted()).toEqual(['a', 'b', 'c'])
  expect(caution.limit).toBe(40)
  expect(caution.typesInTurn(['a', 'b', 'c'])).toEqual(['a', 'b', 'c'])
})

test('a type that is refused again and again does not keep the others from their turns', () => {
  const caution = new Caution()
  caution.refused(10, 2)
  const turns: string[] = []
  for (let i = 0; i < 6; i += 1) {
    const [type = ''] = caution.typesInTurn(['bad', 'good'])
    turns.push(type)
    if (type === 'bad') caution.refused(1, 2)
    else caution.succeeded()
  }
  expect(turns.filter((type) => type === 'good')).toHaveLength(3)
  expect(caution).toMatchObject({ apart: true })
})
