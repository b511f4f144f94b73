import assert from 'node:assert/strict'
import fc from 'fast-check'
import { fieldsOf, headersOver, WebHeaders } from '../headers.ts'
import { NativeHeaders, NativeRequest, NativeResponse } from '../native.ts'
import { check, runtime } from './check.ts'

const name = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom('a', 'A', 'b', 'x-Ab', 'X-aB', 'set-cookie', 'Set-Cookie', 'content-type'),
  },
  { weight: 1, arbitrary: fc.constantFrom('', 'a b', 'é', 'a:', '\u0100') },
)
const value = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom('1', 'two words', ' padded\t', 'é\xff', 'a\tb', '\x01\x7f', 'a, b', 'line end\n'),
  },
  { weight: 1, arbitrary: fc.constantFrom('a\0', 'a\nb', 'a\r\nb: c', '\u0100') },
)
const change = fc.tuple(fc.constantFrom('set', 'append', 'delete', 'get', 'has'), name, value)

/** What can be seen of headers, or the kind of error. */
function seen(make: () => Headers): unknown {
  try {
    const headers = make()
    const names = [...headers.keys()]
    // Bun puts cookies last instead of in their place.
    const inOrder = runtime === 'bun' ? names.sort() : names
    return {
      names: inOrder,
      pairs: inOrder.map((each) => [each, [...headers].filter(([other]) => other === each)]),
      values: [...headers.values()].sort(),
      cookies: headers.getSetCookie(),
      looks: ['a', 'B', 'X-AB', 'set-cookie', 'none'].map((each) => [headers.get(each), headers.has(each)]),
    }
  } catch (error) {
    return (error as Error).name
  }
}

const asHeaders = (ours: WebHeaders): Headers => ours as unknown as Headers

check('Headers made of pairs, of an object and of Headers look like native ones', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value), { maxLength: 6 }), (pairs) => {
      const inits: (() => [string, string][] | Record<string, string>)[] = [
        () => pairs,
        () => Object.fromEntries(pairs),
      ]
      for (const init of inits) {
        const native = seen(() => new NativeHeaders(init()))
        assert.deepEqual(
          seen(() => asHeaders(new WebHeaders(init()))),
          native,
        )
        assert.deepEqual(
          seen(() => asHeaders(new WebHeaders(new NativeHeaders(init())))),
          native,
        )
        assert.deepEqual(
          seen(() => asHeaders(new WebHeaders(new WebHeaders(init())))),
          native,
        )
        assert.deepEqual(
          seen(() => new NativeHeaders(asHeaders(new WebHeaders(init())))),
          native,
        )
      }
    }),
    { numRuns: 300 },
  )
})

check('any sequence of changes leaves Headers like native ones', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 12 }), (changes) => {
      const native = new NativeHeaders()
      const ours = asHeaders(headersOver({ raw: [] }))
      for (const [method, key, content] of changes) {
        const outcomes = [native, ours].map((headers) => {
          try {
            return (headers[method as 'set'] as (...args: string[]) => unknown)(key, content)
          } catch (error) {
            return (error as Error).name
          }
        })
        assert.deepEqual(outcomes[1], outcomes[0], `${method}(${JSON.stringify(key)}, ${JSON.stringify(content)})`)
        assert.deepEqual(
          seen(() => ours),
          seen(() => native),
        )
      }
    }),
    { numRuns: 300 },
  )
})

check('Headers over parsed fields keep case, order and repetition, and never change the list', () => {
  const raw = ['Host', 'a', 'X-Thing', '1', 'x-thing', '2', 'Cookie', 'a=1', 'cookie', 'b=2']
  const before = raw.slice()
  const headers = headersOver({ raw })
  assert.equal(headers.get('X-THING'), '1, 2')
  assert.equal(headers.get('cookie'), 'a=1; b=2')
  assert.equal(headers.has('absent'), false)
  assert.equal(fieldsOf(headers), raw)
  headers.set('x-thing', '3')
  headers.append('Set-Cookie', 'p')
  headers.append('Set-Cookie', 'q')
  assert.deepEqual(raw, before)
  assert.deepEqual(fieldsOf(headers), [
    'Host',
    'a',
    'X-Thing',
    '3',
    'Cookie',
    'a=1',
    'cookie',
    'b=2',
    'Set-Cookie',
    'p',
    'Set-Cookie',
    'q',
  ])
  assert.deepEqual(headers.getSetCookie(), ['p', 'q'])
})

check('Headers over parsed fields are not split before somebody looks', () => {
  let splits = 0
  const source = {
    get raw() {
      splits++
      return ['a', 'b']
    },
  }
  const headers = headersOver(source)
  assert.equal(splits, 0)
  assert.equal(headers.get('a'), 'b')
  assert.equal(headers.get('a'), 'b')
  assert.equal(splits, 1)
})

check('empty values and odd names are kept', () => {
  const headers = new WebHeaders([
    ['a', ''],
    ['A', '1'],
    ['__proto__', '2'],
  ])
  headers.append('a', '')
  assert.deepEqual(
    [...headers],
    [
      ['__proto__', '2'],
      ['a', ', 1, '],
    ],
  )
})

check('an iteration sees what is added and removed meanwhile', () => {
  for (const headers of [new NativeHeaders({ a: '1', b: '2' }), asHeaders(new WebHeaders({ a: '1', b: '2' }))]) {
    const names: string[] = []
    for (const [each] of headers) {
      names.push(each)
      if (each === 'a') {
        headers.delete('b')
        headers.set('c', '3')
      }
    }
    assert.deepEqual(names, ['a', 'c'])
  }
})

check('a pair that an iteration gave can be changed without harm', () => {
  const headers = new WebHeaders({ a: '1' })
  for (const pair of headers) pair[1] = 'changed'
  assert.equal([...headers][0]![1], '1')
})

check('forEach gives value, name, the headers, and its `this`', () => {
  const headers = asHeaders(new WebHeaders({ A: '1' }))
  const calls: unknown[] = []
  headers.forEach(function (this: unknown, ...args) {
    calls.push([this, ...args])
  }, 'this')
  assert.deepEqual(calls, [['this', '1', 'a', headers]])
})

check('native classes take our Headers as init', () => {
  const headers = asHeaders(
    new WebHeaders([
      ['a', '1'],
      ['set-cookie', 'p'],
      ['set-cookie', 'q'],
    ]),
  )
  assert.deepEqual(
    [...new NativeHeaders(headers)],
    [
      ['a', '1'],
      ['set-cookie', 'p'],
      ['set-cookie', 'q'],
    ],
  )
  assert.equal(new NativeResponse('x', { headers }).headers.get('a'), '1')
  assert.deepEqual(new NativeResponse('x', { headers }).headers.getSetCookie(), ['p', 'q'])
  assert.equal(new NativeRequest('http://a/', { headers }).headers.get('a'), '1')
})

check('Headers of ours are instances of the native class, and have all of its members', () => {
  const headers = new WebHeaders({ a: '1' })
  assert.ok(headers instanceof NativeHeaders)
  assert.equal(Object.prototype.toString.call(headers), '[object Headers]')
  const native = new NativeHeaders({ a: '1' })
  for (const key of Reflect.ownKeys(NativeHeaders.prototype)) {
    if (key === 'constructor') continue
    assert.equal(typeof Reflect.get(headers, key), typeof Reflect.get(native, key), String(key))
  }
  // Bun's own additions.
  const { toJSON } = native as unknown as { toJSON?(): object }
  if (toJSON) assert.deepEqual((headers as unknown as { toJSON(): object }).toJSON(), { a: '1' })
})

check('a pair of one or three, a header that is no pair, and an init that is no object are refused', () => {
  for (const init of [[['a']], [['a', 'b', 'c']], [1], 7, 'text']) {
    assert.throws(() => new WebHeaders(init as unknown as HeadersInit), TypeError)
  }
})

check('names that clients invent are not kept for ever', () => {
  const headers = new WebHeaders()
  for (let i = 0; i < 5_000; i++) assert.equal(headers.has(`x-${i}`), false)
  headers.set('X-9999', 'still works')
  assert.equal(headers.get('x-9999'), 'still works')
})
