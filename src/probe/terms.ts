/**
 * The terms that the words of a case share: times, anchors, due dates, pages. Each is data that a
 * schema checks.
 */
import * as v from 'valibot'
import { type OptionName, optionNames } from '../policy/policy.ts'

/**
 * The routes that a case may ask for, as `{slow}` in a text that is sent. A target without that
 * route is not judged.
 */
export const pathNames = [
  'hello',
  'healthz',
  'slow',
  'stream',
  'events',
  'upload',
  'early',
  'large',
  'endless',
  'count',
  'whoami',
  'ws',
  'authority',
  'empty',
  'reset',
  'broken',
  'busy',
  'patient/upload',
  'patient/slow',
  'patient/stream',
  'patient/large',
  'hasty/upload',
] as const
export type PathName = (typeof pathNames)[number]

/*
 * The schemas that words share are interfaces: a compiler that writes declarations names those, and spells out everything
 * else at each use.
 */
export interface OptionSchema extends v.GenericSchema<OptionName> {}
export interface OptionsSchema extends v.GenericSchema<OptionName[]> {}
export interface SpanSchema extends v.GenericSchema<Span> {}
export interface DueSchema extends v.GenericSchema<Due> {}

export const option: OptionSchema = v.picklist(optionNames as readonly [OptionName, ...OptionName[]])
export const options: OptionsSchema = v.pipe(v.array(option), v.minLength(1))
export const count = v.pipe(v.number(), v.integer(), v.minValue(1))
/** Timers count no further than 2^31 ms. */
export const milliseconds = v.pipe(v.number(), v.minValue(0), v.maxValue(86_400_000, 'expected at most a day'))
export const hex = v.pipe(v.string(), v.regex(/^([0-9a-f]{2})+$/, 'expected bytes in lower-case hexadecimal'))

const anySpan = v.union(
  [
    milliseconds,
    /** Longer than the target may take to act on any of these limits. */
    v.strictObject({ outlive: options }),
    /** A share of a limit. */
    v.strictObject({ part: v.pipe(v.number(), v.gtValue(0)), of: option, plusMs: v.optional(milliseconds) }),
  ],
  'expected a time: milliseconds, {"outlive": [options]} or {"part": share, "of": option, "plusMs": milliseconds}',
)
/** A time: milliseconds, or one that follows from the target's policy. */
export type Span = v.InferOutput<typeof anySpan>
export const span: SpanSchema = anySpan

const anchor = v.picklist(['connected', 'sent', 'received', 'paused', 'resumed', 'signalled'])
/** From when a time is counted; each is the last of its kind. */
export type Anchor = v.InferOutput<typeof anchor>

const anyDue = v.union(
  [
    v.strictObject({
      by: options,
      from: anchor,
      /**
       * How much later it may be for a reason that is not the clock's: bytes that the kernels hold,
       * say.
       */
      plusMs: v.optional(milliseconds),
      /**
       * The server's clock may have started as early as this: when its kernel had taken what we
       * read later.
       */
      soonestFrom: v.optional(anchor),
    }),
    v.strictObject({ from: anchor, withinMs: milliseconds }),
  ],
  `expected when it is due: {"by": [options], "from": anchor} or {"from": anchor, "withinMs": milliseconds}; anchors: ${anchor.options.join(', ')}`,
)
/** When something is due: by one of the policy's limits (not early, not late), or simply soon. */
export type Due = v.InferOutput<typeof anyDue>
export const due: DueSchema = anyDue

/** If the step fails, the server did not get as far as what the case is about: `setup-failed`. */
export const setup = v.optional(v.literal(true))

/** The server's process is told to end. */
export const signal = v.picklist(['SIGTERM', 'SIGINT'])
