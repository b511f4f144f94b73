/**
 * A setting of the gateway: everything that is known of it, in one entry of a table in `settings/`.
 * Its key in the configuration file, its flag and variable, its rows in the docs and in `--help`,
 * its default, and what becomes of it on Workers follow.
 */
import * as v from 'valibot'
import type { OptionSpec } from '../../policy/option.ts'
import { amount, type Kind } from './kinds.ts'

/** The narrowest place of the file that may have a value of its own; the wider ones may too. */
export type Scope = 'gateway' | 'group' | 'route'

/** `held`, or why it can't be set on Workers, and what may be written there all the same. */
type OnWorkers<Out = unknown> = 'held' | Refusal<Out>

interface Refusal<Out = unknown> {
  readonly why: string
  /** The only value there is, which is the default there. */
  readonly only?: Out
  /** Where more than one value is possible. */
  readonly fits?: (value: Out) => boolean
  readonly accepted?: string
}

export interface About<Out, S extends Scope | undefined = Scope | undefined> {
  /** One sentence, Markdown. */
  readonly what: string
  /**
   * Where it may stand: of what is at the top of the file. All other settings belong to the object
   * whose table they are in.
   */
  readonly scope?: S
  /**
   * The flag's name as a key is named: `clientBurst` for `--client-burst`. Missing: there is none.
   */
  readonly flag?: string
  /** A variable of the platform's that is read when ours is not set. */
  readonly elseVariable?: string
  readonly workers: OnWorkers<Out>
}

interface Spec extends About<any> {
  /** The default, or what holds where there is none. */
  readonly shown: string
  readonly accepted: string
}

/** `Preset` is what holds where nothing is set: its default, or null. */
export interface Setting<Schema extends v.GenericSchema = v.GenericSchema, Preset = unknown, S = unknown> {
  readonly schema: Schema
  readonly spec: Spec & { readonly scope?: S }
  readonly preset: Preset
  readonly kind: Kind<v.GenericSchema>
  /** What it holds, where it is an object or a list of objects. */
  readonly inside?: Inside
}

export interface Inside {
  readonly table: Table
  /**
   * Which of several objects a flag speaks of: the first, or with its n-th value the n-th; `none`:
   * no flag reaches in.
   */
  readonly flagsOf: 'first' | 'each' | 'none'
  /** Its objects are the values of names that the user gives. */
  readonly byName?: true
}

/** The settings of one kind of object, by their keys. */
export type Table = Readonly<Record<string, Setting>>

export interface Optional<Schema extends v.GenericSchema> extends v.OptionalSchema<Schema, undefined> {}

/** With a default of its own, or, `unset`, with words for what holds then. */
export function setting<Schema extends v.GenericSchema, const S extends Scope | undefined = undefined>(
  kind: Kind<Schema>,
  about: About<v.InferOutput<Schema>, S> & { readonly default: v.InferOutput<Schema> },
): Setting<Optional<Schema>, v.InferOutput<Schema>, S>
export function setting<Schema extends v.GenericSchema, const S extends Scope | undefined = undefined>(
  kind: Kind<Schema>,
  about: About<v.InferOutput<Schema>, S> & { readonly unset: string; readonly inside?: Inside },
): Setting<Optional<Schema>, null, S>
export function setting(
  kind: Kind<v.GenericSchema>,
  about: About<any> & { readonly default?: unknown; readonly unset?: string; readonly inside?: Inside },
): Setting {
  const { default: preset = null, unset, inside, ...more } = about
  const shown = unset ?? kind.show(preset)
  return {
    schema: v.optional(kind.schema),
    spec: { ...more, shown, accepted: kind.accepted },
    preset,
    kind,
    ...(inside && { inside }),
  }
}

/** Its object is nothing without it. */
export function required<Schema extends v.GenericSchema>(
  kind: Kind<Schema>,
  { inside, ...about }: About<v.InferOutput<Schema>, undefined> & { readonly inside?: Inside },
): Setting<Schema, never> {
  const { schema, accepted } = kind
  const spec = { ...about, shown: 'none', accepted }
  return { schema, spec, preset: null as never, kind, ...(inside && { inside }) }
}

/** A limit with all that is said of one: default, reason and source. */
export function limit<const Preset extends number | 'derived'>(
  spec: OptionSpec & { readonly default: Preset },
  about: Pick<About<number>, 'flag' | 'workers'>,
): Setting<Optional<ReturnType<typeof amount>['schema']>, Preset extends number ? number : null, undefined> {
  const { what, default: preset } = spec
  const held = preset === 'derived' ? { unset: preset } : { default: preset }
  return setting(amount(spec), { what, ...about, ...held } as never) as never
}

/** What a kind is made of that is no single value. */
export const structure = <Schema extends v.GenericSchema>(
  accepted: string,
  schema: Schema,
  asFlag: Kind<Schema>['asFlag'] = null,
): Kind<Schema> => ({ schema, accepted, asFlag, show: (value) => JSON.stringify(value) })

export type SchemasOf<T extends Table> = { readonly [Name in keyof T]: T[Name]['schema'] }

export const schemasOf = <const T extends Table>(table: T): SchemasOf<T> =>
  Object.fromEntries(Object.entries(table).map(([name, { schema }]) => [name, schema])) as SchemasOf<T>

/** What holds of the settings of one table. */
export type Resolved<T extends Table> = {
  readonly [Name in keyof T]: Exclude<v.InferOutput<T[Name]['schema']>, undefined> | T[Name]['preset']
}
export type Written<T extends Table> = { readonly [Name in keyof T]?: v.InferOutput<T[Name]['schema']> | undefined }

/** What the first of these places says of each setting, else its default. */
export function settled<const T extends Table>(table: T, ...places: readonly Written<T>[]): Resolved<T> {
  const settled = Object.entries(table).map(([name, { preset }]) => {
    const place = places.find((place) => place[name] !== undefined)
    return [name, place === undefined ? preset : place[name]]
  })
  return Object.fromEntries(settled) as Resolved<T>
}

const widths: readonly Scope[] = ['gateway', 'group', 'route']
/** Whether what belongs to `scope` may be set in a place of this width. */
export const isSetIn = (scope: Scope, place: Scope): boolean => widths.indexOf(place) <= widths.indexOf(scope)

export type InScope<T extends Table, S extends Scope> = {
  readonly [Name in keyof T as T[Name] extends Setting<any, any, S> ? Name : never]: T[Name]
}

/** Those of a table whose narrowest place is this one. */
export const ofScope = <T extends Table, S extends Scope>(table: T, scope: S): InScope<T, S> =>
  Object.fromEntries(Object.entries(table).filter(([, { spec }]) => spec.scope === scope)) as InScope<T, S>
