/**
 * What a bench was asked for. A flag that is wrong ends it: it would leave out a table without a
 * word.
 */

import { type ParseArgsConfig, parseArgs } from 'node:util'

/** Nothing was measured. */
export function refuse(why: string): never {
  console.error(`bench: ${why}`)
  process.exit(2)
}

/** What was given, or the defaults. */
export function flagsOf<const Options extends NonNullable<ParseArgsConfig['options']>>(options: Options) {
  try {
    return parseArgs({ options }).values
  } catch (error) {
    return refuse((error as Error).message)
  }
}

/** The names in a flag, each of which must be known. */
export function chosen<Name extends string>(flag: string, text: string, known: readonly Name[]): Name[] {
  return text
    .split(',')
    .map(
      (name) => known.find((one) => one === name) ?? refuse(`--${flag}: unknown ${name}; known: ${known.join(', ')}`),
    )
}

/** A round of 0 or NaN seconds measures nothing. */
export function positive(flag: string, text: string): number {
  const value = Number(text)
  return Number.isInteger(value) && value > 0 ? value : refuse(`--${flag}: ${text} is not a whole number above 0`)
}

/** Whole numbers from 0 on, in a list. */
export function counts(flag: string, text: string): number[] {
  const values = text.split(',').map(Number)
  return values.every((value) => Number.isInteger(value) && value >= 0)
    ? values
    : refuse(`--${flag}: ${text} is not a list of whole numbers`)
}

/** Where chance begins; printed, so that a run can be repeated in the same order. */
export const seedOf = (text: string | undefined): number =>
  text === undefined ? Date.now() % 1_000_000 : positive('seed', text)
