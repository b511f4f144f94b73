import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InLine, Line } from './line.ts'

class Person extends InLine<Person> {
  readonly name: string
  constructor(name: string) {
    super()
    this.name = name
  }
}

const namesIn = (line: Line<Person>): string => Array.from(line, ({ name }) => name).join('')

test('a line keeps the order in which its members came, whoever goes', () => {
  const people = [...'abcd'].map((name) => new Person(name))
  for (const goes of ['a', 'b', 'd', 'ad', 'bc', 'abcd']) {
    const line = new Line<Person>()
    for (const person of people) line.add(person)
    for (const person of people) if (goes.includes(person.name)) line.delete(person)
    const stays = [...'abcd'].filter((name) => !goes.includes(name)).join('')
    assert.equal(namesIn(line), stays)
    line.add(new Person('e'))
    assert.equal(namesIn(line), `${stays}e`)
    for (const person of people) line.delete(person)
    assert.equal(namesIn(line), 'e')
  }
})

test('who joins another line leaves the first, and the first can not put it out any more', () => {
  const [young, noted] = [new Line<Person>(), new Line<Person>()]
  const person = new Person('a')
  young.add(person)
  noted.add(person)
  young.delete(person)
  assert.equal(namesIn(young), '')
  assert.equal(namesIn(noted), 'a')
})

test('the one that is being looked at may go', () => {
  const line = new Line<Person>()
  for (const name of 'abc') line.add(new Person(name))
  let seen = ''
  for (const person of line) {
    seen += person.name
    line.delete(person)
  }
  assert.equal(seen, 'abc')
  assert.equal(namesIn(line), '')
})
