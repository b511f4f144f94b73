import assert from 'node:assert/strict'
import { test } from 'node:test'
import { html, Markup } from './markup.ts'
import { escaped, printable } from './printable.ts'

test('what steers a terminal or turns text around is made visible', () => {
  assert.equal(printable('\x1b[31m\x07\r\x7f'), '␛[31m␇␍␡')
  assert.equal(printable('\x9b2J'), '\ufffd2J')
  assert.equal(printable('a\u202eb\u2066c'), 'a\ufffdb\ufffdc')
})

test('what no XML may hold is not there, what it may hold is left', () => {
  assert.equal(printable('\ud800 \udc00 \uffff \0'), '\ufffd \ufffd \ufffd ␀')
  assert.equal(printable('é 😀 \t\n'), 'é 😀 \t\n')
})

test('nothing that is put into markup becomes markup', () => {
  assert.equal(escaped(`<b a="1" c='2'>&`), '&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;')
  assert.equal(
    html`<p title="${'"><script>'}">${['<', new Markup('<br>'), null, false, 0]}</p>`.text,
    '<p title="&quot;&gt;&lt;script&gt;">&lt;<br>0</p>',
  )
})
