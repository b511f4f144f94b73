/** What `bench/soak.ts` found. */
import { markdown } from '../../scripts/markdown.ts'
import { type Stamp, stampLine } from '../machine.ts'
import { type Outcome, wrongOf } from '../soak/outside.ts'

export interface SoakRow extends Outcome {
  readonly server: string
  readonly asked: number
  readonly rude: number
  readonly late: number
  readonly reloads: number
}

export interface SoakData {
  readonly stamp: Stamp
  readonly minutes: number
  readonly rows: readonly SoakRow[]
}

const count = (value: number): string => value.toLocaleString('en')
const megabytes = (bytes: number): string => String(Math.round(bytes / 2 ** 20))

export function soakPage({ stamp, minutes, rows }: SoakData): string {
  const head = [
    `server, ${minutes} minutes`,
    'responses, events, messages',
    'lost',
    'clients that left or stalled',
    'too late',
    'reloads',
    'descriptors',
    'sockets left',
    'MB',
    'verdict',
  ]
  const table = rows.map((row) => {
    const { server, asked, lost, rude, late, reloads, before, after } = row
    const wrong = wrongOf(row)
    return [
      server,
      count(asked),
      count(lost),
      count(rude),
      count(late),
      reloads === 0 ? '' : count(reloads),
      `${before.descriptors} → ${after.descriptors}`,
      count(after.sockets),
      `${megabytes(before.bytes)} → ${megabytes(after.bytes)}`,
      wrong.length === 0 ? 'as before' : wrong.join(', '),
    ]
  })
  return [stampLine(stamp), markdown(head, table)].join('\n\n')
}
