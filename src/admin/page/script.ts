/**
 * What the browser runs: it takes over the sections that have changed, node by node, so that focus,
 * selection and what is unfolded stay. A page in the background listens to nothing.
 */
export const script = `'use strict'
const $ = (id) => document.getElementById(id)

/** Makes one element what the other is. */
function become(old, fresh) {
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value)
  for (const { name } of [...old.attributes]) {
    const isUsers = name === 'open' && old.localName === 'details'
    if (!isUsers && !fresh.hasAttribute(name)) old.removeAttribute(name)
  }
  const kept = new Set([...fresh.children].map(({ id }) => id))
  for (const child of [...old.children]) if (child.id && !kept.has(child.id)) child.remove()
  let at = old.firstChild
  for (const next of [...fresh.childNodes]) {
    const same = next.id ? [...old.children].find(({ id }) => id === next.id) : alike(at, next) ? at : null
    if (!same) {
      old.insertBefore(next, at)
      continue
    }
    if (same === at) at = at.nextSibling
    else old.insertBefore(same, at)
    if (same.nodeType === Node.ELEMENT_NODE) become(same, next)
    else if (same.data !== next.data) same.data = next.data
  }
  while (at) {
    const rest = at.nextSibling
    at.remove()
    at = rest
  }
}
const alike = (a, b) => a && !a.id && a.nodeName === b.nodeName

function show(text) {
  const focused = document.activeElement
  const section = focused.closest('section')
  const { body } = new DOMParser().parseFromString(text, 'text/html')
  for (const fresh of [...body.children]) become($(fresh.id), fresh)
  if (document.activeElement === focused) return
  const target = focused.isConnected ? focused : (section.querySelector('.rows button') ?? section)
  target.focus({ preventScroll: true })
}

let events = null
let isPaused = false

function follow() {
  events?.close()
  events = null
  if (document.hidden) return
  document.body.classList.toggle('paused', isPaused)
  if (isPaused) {
    $('live').textContent = 'paused'
    return
  }
  events = new EventSource(document.body.dataset.events)
  events.onmessage = ({ data }) => {
    document.body.classList.add('connected')
    if ($('live').textContent !== 'live') $('live').textContent = 'live'
    show(data)
  }
  events.onerror = () => {
    document.body.classList.remove('connected')
    $('live').textContent = 'not connected: trying again'
    // After an answer that is no stream of events, a browser does not try again by itself.
    if (events?.readyState === EventSource.CLOSED) setTimeout(follow, 3000)
  }
}

document.addEventListener('visibilitychange', follow)

$('pause').hidden = false
$('pause').addEventListener('click', () => {
  isPaused = !isPaused
  $('pause').textContent = isPaused ? 'Go on' : 'Pause'
  follow()
})

$('act').addEventListener('submit', async (event) => {
  event.preventDefault()
  const body = new URLSearchParams(new FormData(event.target, event.submitter))
  try {
    const response = await fetch('', { method: 'POST', body, headers: { Accept: 'text/plain' } })
    $('said').textContent = await response.text()
  } catch {
    $('said').textContent = 'The server was not reached.'
  }
  const asked = event.submitter.closest('details')
  if (asked) asked.open = false
  clearTimeout(forget)
  forget = setTimeout(() => ($('said').textContent = ''), 6000)
})
let forget

follow()
`
