/** Plays one case to a server, and says what was wrong with it. */
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import type { Case, Ends } from './cases.ts'
import { close, encode, opcodes, type Received, WebSocketClient } from './frames.ts'

const withinMs = 3_000
/** Time for an answer that must not come. */
const quietMs = 60

const names = Object.fromEntries(Object.entries(opcodes).map(([name, opcode]) => [opcode, name]))

const shown = ({ opcode, payload }: { readonly opcode: number; readonly payload: string | Uint8Array }): string => {
  const bytes = Buffer.from(payload as string)
  const start = bytes.subarray(0, 16).toString(opcode === opcodes.text ? 'utf8' : 'hex')
  return `${names[opcode]} ${bytes.length > 16 ? `${bytes.length} bytes ` : ''}${start}`
}

const codeOf = ({ payload }: Received): number | null => (payload.length < 2 ? null : payload.readUInt16BE(0))

/** `fails` and `closes` alike: a close frame, then the end of TCP. */
const codes = (ends: Ends): readonly (number | null)[] =>
  ends === 'lives' ? [1000] : 'closes' in ends ? ends.closes : ends.fails

/** As it was seen, e.g. `close 1002 then fin`. */
function endOf(client: WebSocketClient): string {
  const { closeFrame, end } = client
  return closeFrame === undefined ? end : `close ${codeOf(closeFrame) ?? 'without a code'} then ${end}`
}

async function send(client: WebSocketClient, { sends, pieces }: Case): Promise<void> {
  if (pieces === undefined) {
    for (const frame of sends) client.send(encode(frame))
    return
  }
  const bytes = Buffer.concat(sends.map(encode))
  for (let at = 0; at < bytes.length; at += pieces) {
    client.send(bytes.subarray(at, at + pieces))
    await turn()
  }
}

const same = (hears: Case['hears'], frames: readonly Received[]): boolean =>
  hears.length === frames.length &&
  hears.every(
    ({ opcode, payload }, i) =>
      opcode === frames[i]!.opcode && frames[i]!.payload.equals(Buffer.from(payload as string)),
  )

/** Null: all is as the case says. */
export async function judge(port: number, played: Case): Promise<string | null> {
  const client = new WebSocketClient(port).ask()
  try {
    await client.until(() => client.switched || client.end !== 'open', withinMs)
    if (!client.switched) return `not upgraded: ${client.text}`
    await send(client, played)
    if (played.ends === 'lives') {
      await client.until(() => client.frames.length >= played.hears.length || client.end !== 'open', withinMs)
      await sleep(quietMs)
      client.send(encode(close(1000)))
    }
    await client.until(() => client.end !== 'open', withinMs)
    const answers = client.frames.filter(({ opcode }) => opcode !== opcodes.close)
    if (!same(played.hears, answers)) return `answers: ${answers.map(shown).join(', ') || 'none'}; ${endOf(client)}`
    const isRight = codes(played.ends).some((code) => endOf(client) === `close ${code ?? 'without a code'} then fin`)
    return isRight ? null : endOf(client)
  } finally {
    client.destroy()
  }
}
