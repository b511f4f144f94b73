import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { crc32c, type ProxyFault, ProxyHeaderReader, proxyHeader } from './proxy-protocol.ts'
import type { Peer } from './transport.ts'

const latin1 = (text: string) => Uint8Array.from(Buffer.from(text, 'latin1'))
const signature = latin1('\r\n\r\n\0\r\nQUIT\n')
const joined = (...parts: readonly (Uint8Array | readonly number[])[]) => Uint8Array.from(parts.flatMap((p) => [...p]))

/** `cut`: where the pieces end; the last one goes to the end. */
function read(bytes: Uint8Array, cuts: readonly number[] = []) {
  const reader = new ProxyHeaderReader()
  const rest: number[] = []
  let from = 0
  for (const to of [...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]) {
    const piece = bytes.subarray(from, to)
    from = to
    rest.push(...piece.subarray(reader.fault === null && reader.header === null ? reader.feed(piece) : 0))
  }
  return { header: reader.header, fault: reader.fault, rest: Uint8Array.from(rest) }
}

const v2 = (command: number, family: number, block: readonly number[] | Uint8Array, length = block.length) =>
  joined(signature, [command, family, length >> 8, length & 255], block)
const inet = [192, 0, 2, 1, 198, 51, 100, 2, 0x1f, 0x90, 0x01, 0xbb]
const client: Peer = { address: '192.0.2.1', port: 8080, family: 'IPv4' }
const destination: Peer = { address: '198.51.100.2', port: 443, family: 'IPv4' }

const cuts = fc.array(fc.nat({ max: 1_000 }), { maxLength: 6 })
const address = fc.oneof(
  fc.ipV4().map((text) => ({ text, family: 'IPv4' as const })),
  fc.ipV6().map((text) => ({ text, family: 'IPv6' as const })),
)
const endpoint = fc.record({ address, port: fc.nat({ max: 65_535 }) })

test('what the writer announces the reader reads, however it is cut', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('v1', 'v2'),
      endpoint,
      endpoint,
      fc.uint8Array({ maxLength: 20 }),
      cuts,
      (version, from, to, after, at) => {
        const sent = proxyHeader(
          version,
          { address: from.address.text, port: from.port },
          { address: to.address.text, port: to.port },
        )
        const { header, fault, rest } = read(joined(sent, after), at)
        assert.equal(fault, null)
        assert.equal(header?.version, version)
        assert.deepEqual([header?.client?.port, header?.destination?.port], [from.port, to.port])
        for (const [said, given] of [
          [header?.client, from.address.text],
          [header?.destination, to.address.text],
        ] as const)
          assert.equal(canonical(said!.address), canonical(given))
        assert.deepEqual(rest, after)
      },
    ),
  )
})

/** As the URL standard writes an address, IPv4-mapped ones as IPv4. */
function canonical(text: string): string {
  if (!text.includes(':')) return text
  const { hostname } = new URL(`http://[${text}]/`)
  const [, high = '', low = ''] = /^\[::ffff:([0-9a-f]+):([0-9a-f]+)\]$/.exec(hostname) ?? []
  if (high === '') return hostname
  const [a, b] = [Number.parseInt(high, 16), Number.parseInt(low, 16)]
  return [a >> 8, a & 255, b >> 8, b & 255].join('.')
}

test('whatever comes, the reader throws nothing, and says the same however it is cut', () => {
  const start = fc.constantFrom(
    '',
    'PROXY ',
    'PROXY TCP4 1.2.3.4 ',
    'PROXY UNKNOWN',
    '\r\n\r\n\0\r\nQUIT\n',
    '\r\n\r\n\0\r\nQUIT\n\x21\x11\0',
  )
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 300 }), cuts, (begin, garbage, at) => {
      const bytes = joined(latin1(begin), garbage)
      const whole = read(bytes)
      const cut = read(bytes, at)
      assert.deepEqual([cut.header, cut.fault], [whole.header, whole.fault])
      if (whole.header !== null) assert.deepEqual(cut.rest, whole.rest)
    }),
    { numRuns: 500 },
  )
})

test('an IPv4-mapped address is announced, and read, as the IPv4 address that it is', () => {
  const mapped = { address: '::ffff:192.0.2.1', port: 8080 }
  assert.equal(
    Buffer.from(proxyHeader('v1', mapped, destination)).toString(),
    'PROXY TCP4 192.0.2.1 198.51.100.2 8080 443\r\n',
  )
  assert.deepEqual(read(latin1('PROXY TCP6 ::ffff:192.0.2.1 2001:db8::1 8080 443\r\n')).header?.client, client)
})

test('addresses of two families go as IPv6', () => {
  const sent = proxyHeader('v1', { address: '2001:db8::1', port: 1 }, destination)
  assert.match(Buffer.from(sent).toString(), /^PROXY TCP6 2001:db8::1 ::ffff:\S+ 1 443\r\n$/)
})

test('without a client the header says LOCAL or UNKNOWN, and the real peer counts', () => {
  assert.equal(Buffer.from(proxyHeader('v1', null, destination)).toString(), 'PROXY UNKNOWN\r\n')
  assert.deepEqual(proxyHeader('v2', null, null), v2(0x20, 0, []))
  assert.deepEqual(proxyHeader('v2', { address: '', port: 0 }, destination), v2(0x20, 0, []))
})

test('a client is announced where nobody knows what it is connected to', () => {
  assert.equal(Buffer.from(proxyHeader('v1', client, null)).toString(), 'PROXY TCP4 192.0.2.1 0.0.0.0 8080 0\r\n')
  const six = proxyHeader('v1', { address: '2001:db8::1', port: 1 }, { address: '', port: 0 })
  assert.equal(Buffer.from(six).toString(), 'PROXY TCP6 2001:db8::1 :: 1 0\r\n')
  assert.deepEqual(read(proxyHeader('v2', client, null)).header?.client, client)
})

const nobody: readonly (readonly [what: string, header: Uint8Array])[] = [
  ['v1 UNKNOWN', latin1('PROXY UNKNOWN\r\n')],
  ['v1 UNKNOWN with whatever behind it', latin1('PROXY UNKNOWN ffff::1 ? 65535\r\n')],
  ['v2 LOCAL', v2(0x20, 0, [])],
  ['v2 LOCAL with a family that there is not, and bytes to skip', v2(0x20, 0xff, [1, 2, 3])],
  ['v2 of an unspecified family', v2(0x21, 0x00, [1, 2, 3])],
  ['v2 of a Unix socket', v2(0x21, 0x31, new Uint8Array(216))],
  ['v2 of a datagram', v2(0x21, 0x12, inet)],
]
for (const [what, header] of nobody) {
  test(`${what}: a header that announces nobody`, () => {
    const { fault, header: said, rest } = read(joined(header, [71]))
    assert.equal(fault, null)
    assert.equal(said?.client, null)
    assert.deepEqual(rest, Uint8Array.of(71))
  })
}

test('TLVs are skipped, and a checksum among them is looked at', () => {
  const withChecksum = v2(0x21, 0x11, [...inet, 0x04, 0, 2, 9, 9, 0x03, 0, 4, 0, 0, 0, 0])
  const crc = crc32c(withChecksum)
  new DataView(withChecksum.buffer).setUint32(withChecksum.length - 4, crc)
  assert.deepEqual(read(withChecksum).header?.client, client)
  withChecksum[16] = 193
  assert.equal(read(withChecksum).fault, 'v2-checksum')
})

test('crc32c is that of RFC 3720 B.4', () => {
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa)
  assert.equal(crc32c(latin1('123456789')), 0xe3069283)
})

const faulty: readonly (readonly [what: string, bytes: Uint8Array, fault: ProxyFault])[] = [
  ['a request', latin1('GET / HTTP/1.1\r\n'), 'no-header'],
  ['a TLS record', Uint8Array.of(22, 3, 1), 'no-header'],
  ['a request that begins like it', latin1('PROPFIND / HTTP/1.1\r\n'), 'no-header'],
  ['lower case', latin1('proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n'), 'no-header'],
  ['another signature', latin1('\r\n\r\n\0\r\nQUIX\n'), 'no-header'],
  ['two spaces', latin1('PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n'), 'v1-syntax'],
  ['UDP', latin1('PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n'), 'v1-syntax'],
  ['UNKNOWN run on', latin1('PROXY UNKNOWNX\r\n'), 'v1-syntax'],
  ['an IPv6 address as TCP4', latin1('PROXY TCP4 ::1 ::1 1 2\r\n'), 'v1-syntax'],
  ['an IPv4 address as TCP6', latin1('PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n'), 'v1-syntax'],
  ['a leading zero in an address', latin1('PROXY TCP4 1.2.3.04 1.2.3.4 1 2\r\n'), 'v1-syntax'],
  ['a leading zero in a port', latin1('PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n'), 'v1-syntax'],
  ['a port too high', latin1('PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n'), 'v1-syntax'],
  ['no port', latin1('PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n'), 'v1-syntax'],
  ['a bare LF', latin1('PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n'), 'v1-syntax'],
  ['108 bytes', latin1(`PROXY UNKNOWN ${'x'.repeat(92)}\r\n`), 'v1-too-long'],
  ['version 1 in the form of 2', v2(0x11, 0x11, inet), 'v2-version'],
  ['another command', v2(0x22, 0x11, inet), 'v2-command'],
  ['another family', v2(0x21, 0x41, inet), 'v2-family'],
  ['another transport', v2(0x21, 0x13, inet), 'v2-family'],
  ['addresses cut short', v2(0x21, 0x11, inet.slice(1)), 'v2-length'],
  ['IPv6 in the length of IPv4', v2(0x21, 0x21, inet), 'v2-length'],
  ['a TLV that reaches over the end', v2(0x21, 0x11, [...inet, 4, 0, 9, 1]), 'v2-tlv'],
  ['half a TLV', v2(0x21, 0x11, [...inet, 4, 0]), 'v2-tlv'],
  ['a checksum of three bytes', v2(0x21, 0x11, [...inet, 3, 0, 3, 1, 2, 3]), 'v2-tlv'],
]
for (const [what, bytes, fault] of faulty) {
  test(`refused: ${what}`, () => {
    assert.equal(read(bytes).fault, fault)
    assert.equal(read(bytes, [...bytes.keys()]).fault, fault)
  })
}

test('the longest line of v1 fits, and the longest header of v2', () => {
  const line = `PROXY UNKNOWN ${'x'.repeat(91)}\r\n`
  assert.equal(line.length, 107)
  assert.equal(read(latin1(line)).header?.client, null)
  const block = new Uint8Array(65_535)
  block.set(inet)
  block.set([4, (block.length - 15) >> 8, (block.length - 15) & 255], 12)
  const { header, rest } = read(joined(v2(0x21, 0x11, block), [1]), [3, 100, 400, 999])
  assert.deepEqual(header?.client, client)
  assert.deepEqual(rest, Uint8Array.of(1))
})
