import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as v from 'valibot'
import { fieldsOf, jsonSchemaOf } from './json-schema.ts'

const schema = v.object({
  count: v.pipe(v.number(), v.integer(), v.minValue(0), v.description('How many.')),
  end: v.nullable(v.picklist(['fin', 'reset'])),
  more: v.optional(v.array(v.object({ at: v.pipe(v.string(), v.isoTimestamp()) }))),
  limits: v.record(v.string(), v.number()),
  version: v.literal(2),
})

test('each kind has its form, and what is optional is not required', () => {
  assert.deepEqual(jsonSchemaOf(schema), {
    type: 'object',
    properties: {
      count: { type: 'integer', minimum: 0, description: 'How many.' },
      end: { anyOf: [{ enum: ['fin', 'reset'] }, { type: 'null' }] },
      more: {
        type: 'array',
        items: { type: 'object', properties: { at: { type: 'string', format: 'date-time' } }, required: ['at'] },
      },
      limits: { type: 'object', additionalProperties: { type: 'number' } },
      version: { const: 2 },
    },
    required: ['count', 'end', 'limits', 'version'],
  })
})

test('a kind without a form is an error, not a schema that allows anything', () => {
  assert.throws(() => jsonSchemaOf(v.object({ when: v.date() })), /date has no form/)
  assert.throws(() => jsonSchemaOf(v.pipe(v.string(), v.email())), /email has no form/)
})

test('the fields are listed by their paths', () => {
  assert.deepEqual(
    fieldsOf(jsonSchemaOf(schema)).map(({ path, kind, what }) => [path, kind, what].join(' | ')),
    [
      'count | integer | How many.',
      'end | `fin` `reset` or null | ',
      'more | list of object, may be missing | ',
      'more[].at | string | ',
      'limits | object of number | ',
      'version | 2 | ',
    ],
  )
})
