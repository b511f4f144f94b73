/**
 * JSON Schema (2020-12) out of a valibot schema: the few kinds that a report is made of; another
 * kind is an error.
 */
import type * as v from 'valibot'

export type JsonSchema = { readonly [keyword: string]: unknown }

/** What valibot keeps of a schema or an action, as far as it is read here. */
interface Node {
  readonly type: string
  readonly entries?: Readonly<Record<string, Node>>
  readonly item?: Node
  readonly wrapped?: Node
  readonly value?: Node
  readonly options?: readonly string[]
  readonly literal?: unknown
  readonly pipe?: readonly Node[]
  readonly requirement?: unknown
  readonly description?: string
}

/** Fields that are not named may be there: see the rule about versions. */
export function jsonSchemaOf(schema: v.GenericSchema): JsonSchema {
  return ofNode(schema as unknown as Node)
}

function ofNode(node: Node): JsonSchema {
  if (!node.pipe) return ofKind(node)
  const [first, ...actions] = node.pipe as [Node, ...Node[]]
  return Object.assign({}, ofNode(first), ...actions.map(ofAction))
}

function ofKind(node: Node): JsonSchema {
  switch (node.type) {
    case 'string':
    case 'number':
    case 'boolean':
      return { type: node.type }
    case 'literal':
      return { const: node.literal }
    case 'picklist':
      return { enum: node.options }
    case 'array':
      return { type: 'array', items: ofNode(node.item!) }
    case 'record':
      return { type: 'object', additionalProperties: ofNode(node.value!) }
    case 'nullable':
      return { anyOf: [ofNode(node.wrapped!), { type: 'null' }] }
    case 'optional':
      return ofNode(node.wrapped!)
    case 'object': {
      const entries = Object.entries(node.entries!)
      return {
        type: 'object',
        properties: Object.fromEntries(entries.map(([name, entry]) => [name, ofNode(entry)])),
        required: entries.filter(([, entry]) => entry.type !== 'optional').map(([name]) => name),
      }
    }
    default:
      throw new TypeError(`${node.type} has no form in JSON Schema here`)
  }
}

function ofAction({ type, requirement, description }: Node): JsonSchema {
  switch (type) {
    case 'description':
      return { description }
    case 'integer':
      return { type: 'integer' }
    case 'min_value':
      return { minimum: requirement }
    case 'iso_timestamp':
      return { format: 'date-time' }
    default:
      throw new TypeError(`${type} has no form in JSON Schema here`)
  }
}

export interface Field {
  /** `cells[].expected.fromMs` */
  readonly path: string
  readonly kind: string
  readonly what: string
}

/** Every field with what is said of it, depth first. */
export function fieldsOf(schema: JsonSchema, path = ''): Field[] {
  const { properties = {}, required = [] } = schema as {
    properties?: Record<string, JsonSchema>
    required?: readonly string[]
  }
  return Object.entries(properties).flatMap(([name, property]) => {
    const own = `${path}${name}`
    const optional = required.includes(name) ? '' : ', may be missing'
    const [inner, suffix] = insideOf(property)
    return [
      { path: own, kind: `${kindOf(property)}${optional}`, what: String(property['description'] ?? '') },
      ...fieldsOf(inner, `${own}${suffix}.`),
    ]
  })
}

function insideOf(schema: JsonSchema): [JsonSchema, string] {
  const { items, anyOf } = schema as { items?: JsonSchema; anyOf?: readonly [JsonSchema, JsonSchema] }
  if (items) return [items, '[]']
  return anyOf ? insideOf(anyOf[0]) : [schema, '']
}

function kindOf(schema: JsonSchema): string {
  const { type, items, anyOf, additionalProperties } = schema as {
    type?: string
    items?: JsonSchema
    anyOf?: readonly [JsonSchema, JsonSchema]
    additionalProperties?: JsonSchema
  }
  if ('const' in schema) return JSON.stringify(schema['const'])
  if ('enum' in schema) return (schema['enum'] as readonly string[]).map((option) => `\`${option}\``).join(' ')
  if (anyOf) return `${kindOf(anyOf[0])} or null`
  if (items) return `list of ${kindOf(items)}`
  if (additionalProperties) return `object of ${kindOf(additionalProperties)}`
  return type ?? ''
}
