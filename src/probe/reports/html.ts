/**
 * A report as one page: no script, nothing loaded from anywhere, light or dark as the reader's
 * system is. One server is shown with its limits and a timeline for each case; several with a
 * matrix before that.
 */

import { type Counts, isRed, verdicts } from '../judge/verdict.ts'
import { groupedBy } from './grouped.ts'
import { html, Markup } from './markup.ts'
import { plural, spanOf, time } from './numbers.ts'
import type { Cell, Limit, Report, ReportCase, ReportServer } from './report.ts'
import { style } from './style.ts'
import { axisEndMs, key, marks, timelineSvg } from './timeline-svg.ts'
import { dueOf, endOf, sayingOf, type Tone } from './words.ts'

/** A case shows the worst cell of each server; further cells that are not failures are folded. */
const unfoldedServers = 8
/** Of a text that came from a server's log, say. */
const longestReason = 4_000

/** More than that are a number in the heading. */
const namedServers = 3

export function toHtml(report: Report): string {
  const { servers } = report
  const title = servers.length === 1 ? `${servers[0]?.name} – hangup` : `${plural(servers.length, 'server')} – hangup`
  return `<!doctype html>\n${
    html`<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark"><meta name="generator" content="hangup ${report.by.hangup}"><title>${title}</title>
<style>${new Markup(style)}</style></head><body>
${marks}${head(report)}
<main>${summary(report)}${chaptersOf(report).map((chapter) => chapterOf(chapter, report))}</main>
${foot(report)}
</body></html>`.text
  }\n`
}

// The top

function head({ servers, startedAt, tookMs }: Report): Markup {
  const [only] = servers.length === 1 ? servers : []
  return html`<header class="top"><p class="over">Does it hang up?</p>
<h1>${servers.length > namedServers ? `${servers.length} servers` : servers.map(({ name }) => name).join(', ')}</h1>
<p class="facts">${only?.url && only.url !== only.name && html`<span class="mono">${only.url}</span>`}${
    only?.version && html`<span>${only.version}</span>`
  }<time datetime="${startedAt}">${startedAt.slice(0, 16).replace('T', ' ')} UTC</time><span>took ${time(tookMs)}</span></p>
${only && html`<p class="lead">${sentenceOf(only)}</p>`}</header>`
}

function sentenceOf({ limits, cutShort }: ReportServer): Markup | null {
  const leaks = limits.filter(({ outcome }) => outcome === 'leak').length
  const cut = cutShort !== null && html` The run was cut short: ${cutShort}.`
  if (leaks > 0) {
    return html`<strong class="bad">It leaks</strong>: ${leaks === 1 ? 'one kind of silent client was' : `${leaks} kinds of silent clients were`} not disconnected while we watched.${cut}`
  }
  if (limits.some(({ outcome }) => outcome === 'found')) {
    return html`<strong class="good">It hangs up</strong> on every kind of silent client that was tried.${cut}`
  }
  return cut ? html`${cut}` : null
}

function summary(report: Report): Markup {
  const { servers, cells } = report
  const [only] = servers.length === 1 ? servers : []
  return html`${warningsOf(servers)}
${only && only.limits.length > 0 && limitBars(only.limits)}
${!only && servers.some(({ limits }) => limits.length > 0) && limitTable(servers)}
<div class="box"><h2>Verdicts</h2>${strip(report.counts)}</div>
${only?.expected && expectation(only.expected)}
${servers.length > 1 && matrix(report)}
<div class="box"><h2>How to read a timeline</h2><div class="pictures">${key}</div></div>
<nav aria-label="Chapters"><ul>${chaptersOf(report).map(({ title, cases }) => {
    const bad = cellsOf(cases, cells).filter(isRedCell).length
    return html`<li><a href="#${anchorOf(title)}">${title}${bad > 0 && html` <b class="bad">✗ ${bad}</b>`}</a></li>`
  })}</ul></nav>`
}

function warningsOf(servers: readonly ReportServer[]): Markup | null {
  const lists = servers.flatMap((server) => {
    const leaks = server.limits.flatMap(({ problem, cost }) =>
      problem === null ? [] : [`LEAK: ${problem}${cost && `: ${cost}`}`],
    )
    const all = server.warnings.length > 0 ? server.warnings : leaks
    if (all.length === 0) return []
    const title = leaks.length === all.length ? plural(leaks.length, 'leak') : plural(all.length, 'warning')
    return [{ name: server.name, title, items: all.map(warningItem) }]
  })
  const [first] = lists
  if (!first) return null
  if (servers.length === 1) {
    return html`<div class="box warn" role="note"><h2>${first.title}</h2><ul>${first.items}</ul></div>`
  }
  return html`<div class="box warn" role="note"><h2>What is wrong</h2>${lists.map(
    ({ name, title, items }) =>
      html`<details><summary><strong>${name}</strong>: ${title}</summary><ul>${items}</ul></details>`,
  )}</div>`
}

/** `What: what that costs`, and it is on the page as a whole that it is a leak. */
function warningItem(text: string): Markup {
  const [what = '', ...more] = sentence(text.replace(/^LEAK: /, '')).split(': ')
  return html`<li><strong>${what}${more.length > 0 && ':'}</strong> ${more.join(': ')}</li>`
}

const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`

function limitBars(limits: readonly Limit[]): Markup {
  const longestMs = Math.max(1, ...limits.map(({ toMs }) => toMs ?? 0)) * 1.1
  const rows = limits.map(({ name, outcome, fromMs, toMs, end, reason, watchedMs }) => {
    const share = outcome === 'found' ? Math.round(((toMs ?? 0) / longestMs) * 1000) / 10 : 100
    const shown = {
      found: html`<b>${spanOf(fromMs, toMs)}</b> <span class="soft">${endOf({ observed: end, observedMs: null })}</span>`,
      leak: html`<b class="bad">✗ not in ${time(watchedMs ?? 0)}</b> <span class="soft">${endOf({ observed: end, observedMs: null })}</span>`,
      unknown: html`<span class="none">not known</span>`,
    }[outcome]
    return html`<div class="limit"><span>${name}</span><span class="bar ${outcome}"><i style="width:${share}%"></i></span><span>${shown}</span>${
      outcome === 'unknown' && html`<p class="soft">${reason}</p>`
    }</div>`
  })
  return html`<div class="box"><h2>When it hangs up on a silent client</h2><div class="limits">${rows}</div></div>`
}

/** Servers down: there are more of them than limits. */
function limitTable(servers: readonly ReportServer[]): Markup {
  const names = [...new Set(servers.flatMap(({ limits }) => limits.map(({ name }) => name)))]
  return html`<div class="box"><h2>When they hang up on a silent client</h2><div class="scroll" tabindex="0" role="region" aria-label="Limits of each server"><table class="limit-table">
<thead><tr><th scope="col">server</th>${names.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${servers
    .filter(({ limits }) => limits.length > 0)
    .map(
      ({ name: server, version, limits }) =>
        html`<tr><th scope="row">${server}${version && version !== server && html`<br><small>${version}</small>`}</th>${names.map((name) => limitCell(limits.find((one) => one.name === name)))}</tr>`,
    )}</tbody></table></div></div>`
}

function limitCell(limit: Limit | undefined): Markup {
  if (limit?.outcome === 'found') {
    return html`<td>${spanOf(limit.fromMs, limit.toMs)}<br><small>${endOf({ observed: limit.end, observedMs: null })}</small></td>`
  }
  if (limit?.outcome === 'leak') {
    return html`<td class="bad"><b>✗ not in ${time(limit.watchedMs ?? 0)}</b><br><small>${limit.reason}</small></td>`
  }
  return html`<td class="none" title="${limit?.reason ?? ''}">${limit ? '?' : '–'}</td>`
}

function expectation({ source, policy }: NonNullable<ReportServer['expected']>): Markup {
  const set = Object.entries(policy).filter(([, value]) => value !== 0)
  return html`<div class="box"><details class="plain"><summary>What it was judged by: ${source}</summary><p class="mono">${set.map(([name, value], at) => html`${at > 0 && ', '}${name} ${value}`)}</p></details></div>`
}

const inStrip: readonly Tone[] = ['good', 'known', 'seen', 'bad', 'none']

function strip(counts: Counts): Markup {
  const all = verdicts
    .filter((verdict) => counts[verdict] > 0)
    .map((verdict) => ({ ...sayingOf({ verdict }), count: counts[verdict] }))
    .toSorted((one, other) => inStrip.indexOf(one.tone) - inStrip.indexOf(other.tone))
  const label = all.map(({ count, words }) => `${count} ${words}`).join(', ')
  return html`<div class="strip" role="img" aria-label="${label}">${all.map(({ tone, count }) => html`<i class="${tone}" style="flex:${count}"></i>`)}</div>
<ul class="counts">${all.map(({ tone, mark, words, count }) => html`<li class="${tone}"><b>${mark} ${count}</b> ${words}</li>`)}</ul>`
}

function matrix(report: Report): Markup {
  const { servers, cells } = report
  const row = ({ id, title }: ReportCase) =>
    html`<tr><th scope="row"><a class="mono" href="#case-${id}" title="${title}">${id}</a></th>${servers.map(
      ({ name }) => matrixCell(cells.filter((cell) => cell.case === id && cell.server === name)),
    )}</tr>`
  const groups = chaptersOf(report).map(
    ({ title, cases }) =>
      html`<tbody><tr><th class="chapter" scope="colgroup" colspan="${servers.length + 1}">${title}</th></tr>${cases.map(row)}</tbody>`,
  )
  return html`<div class="box"><h2>Cases and servers</h2><div class="scroll" tabindex="0" role="region" aria-label="Matrix of cases and servers"><table class="matrix">
<thead><tr><th scope="col">case</th>${servers.map(({ name, version }) => html`<th scope="col" title="${version}">${name}${servers.length <= namedServers && version && version !== name && html`<br><small>${version}</small>`}</th>`)}</tr></thead>
${groups}</table></div></div>`
}

/** The worst of what a case came to on one server: when, and how, if it is not as it should be. */
function matrixCell(own: readonly Cell[]): Markup {
  const [worst] = own.toSorted((a, b) => severity(b) - severity(a))
  if (!worst) return html`<td></td>`
  const { tone, mark, words } = sayingOf(worst)
  const { observed, observedMs, reason } = worst
  const end = tone === 'good' || tone === 'none' ? null : endOf({ observed, observedMs: null })
  return html`<td class="${tone}" title="${[words, reason?.split('\n')[0]].filter(Boolean).join(': ')}">${mark}${observedMs !== null && ` ${time(observedMs)}`}${
    end && html` <small>${end}</small>`
  }</td>`
}

/** TCP before TLS, whichever was done first. */
function inOrder(cells: readonly Cell[]): Cell[] {
  return cells.toSorted((a, b) => a.transport.localeCompare(b.transport))
}

const isRedCell = ({ verdict }: Pick<Cell, 'verdict'>) => isRed(verdict)
const severity = (cell: Cell) =>
  isRedCell(cell) ? 9 : { bad: 4, known: 3, seen: 2, good: 1, none: 0 }[sayingOf(cell).tone]

// The chapters

interface Chapter {
  readonly title: string
  readonly cases: readonly ReportCase[]
}

function chaptersOf({ cases, cells }: Report): Chapter[] {
  const asked = new Set(cells.map((cell) => cell.case))
  const groups = groupedBy(
    cases.filter(({ id }) => asked.has(id)),
    ({ chapter }) => chapter,
  )
  return [...groups].map(([title, own]) => ({ title, cases: own }))
}

const anchorOf = (title: string) => `chapter-${title.toLowerCase().replace(/[^a-z0-9]+/g, '-')}`

function cellsOf(cases: readonly ReportCase[], cells: readonly Cell[]): Cell[] {
  const ids = new Set(cases.map(({ id }) => id))
  return cells.filter((cell) => ids.has(cell.case))
}

function chapterOf({ title, cases }: Chapter, report: Report): Markup {
  const isJudged = ({ id }: ReportCase) =>
    report.cells.some((cell) => cell.case === id && cell.verdict !== 'not-judged')
  const judged = cases.filter(isJudged)
  const unjudged = cases.filter((theCase) => !isJudged(theCase))
  const bad = cellsOf(cases, report.cells).filter(isRedCell).length
  return html`<section class="chapter" id="${anchorOf(title)}"><h2>${title}<small>${plural(judged.length, 'case')}${
    bad > 0 && html`, <span class="bad">✗ ${bad} failed</span>`
  }</small></h2>
${judged.map((theCase) => caseOf(theCase, report))}${unjudged.length > 0 && unjudgedList(unjudged, report.cells)}</section>`
}

function caseOf({ id, level, title, why, spec }: ReportCase, { cells, servers }: Report): Markup {
  const own = inOrder(cells.filter((cell) => cell.case === id))
  const worstFirst = own.toSorted((a, b) => severity(b) - severity(a))
  const [worst] = worstFirst as [Cell]
  const saying = sayingOf(worst)
  const single = own.length === 1
  const endMs = axisEndMs(own)
  const first = servers.map(({ name }) => worstFirst.find(({ server }) => server === name))
  const shown = own.filter((cell) => isRedCell(cell) || first.slice(0, unfoldedServers).includes(cell))
  const folded = own.filter((cell) => !shown.includes(cell))
  const blocks = (some: readonly Cell[]) =>
    some.map((cell, at) =>
      cellOf(cell, {
        ...{ endMs, title, key: cells.indexOf(cell), isNamed: !single, isOneOfMany: servers.length > 1 },
        isSaid: some[at - 1]?.reason === cell.reason,
      }),
    )
  return html`<article id="case-${id}"${isRedCell(worst) && new Markup(' class="is-bad"')}><div>
<h3><span class="mark ${saying.tone}" title="${saying.words}">${saying.mark}</span><span>${title}</span></h3>
<div class="under"><p class="id"><code>${id}</code> · ${level}</p>${single && resultOf(worst)}
<details><summary>Why it matters</summary><p>${why}</p>${spec.length > 0 && html`<p class="soft">${spec.join(' · ')}</p>`}</details></div></div>
<div class="cells">${blocks(shown)}${
    folded.length > 0 && html`<details><summary>${folded.length} more</summary>${blocks(folded)}</details>`
  }</div></article>`
}

/** Without what the end says already. */
const reasonOf = ({ reason, observed }: Cell): string | null =>
  reason === null || (observed?.endsWith('open') && /^still open after \d+ ms$/.test(reason))
    ? null
    : reason.slice(0, longestReason)

function resultOf(cell: Cell): Markup {
  const saying = sayingOf(cell)
  const end = endOf(cell)
  const reason = reasonOf(cell)
  return html`<p class="result"><b class="${saying.tone}">${saying.words}</b>${end && html` · ${end}`}</p>${
    cell.expected &&
    html`<p class="due-text">${dueOf(cell.expected)}${cell.expected.by.length > 0 && html` <code>${cell.expected.by.join(', ')}</code>`}</p>`
  }${reason && html`<p class="reason">${reason}</p>`}`
}

function cellOf(
  cell: Cell,
  {
    endMs,
    title,
    key: number,
    isNamed,
    isOneOfMany,
    isSaid,
  }: {
    readonly endMs: number
    readonly title: string
    readonly key: number
    readonly isNamed: boolean
    readonly isOneOfMany: boolean
    /** The cell before has the same reason. */
    readonly isSaid: boolean
  },
): Markup {
  const saying = sayingOf(cell)
  const end = endOf(cell)
  const name = [...(isOneOfMany ? [cell.server] : []), cell.transport.toUpperCase()].join(', ')
  const reason = isNamed && !isSaid && cell.verdict !== 'pass' ? reasonOf(cell) : null
  return html`<div class="cell">${
    isNamed &&
    html`<p class="who"><b>${name}</b><span class="${saying.tone}">${saying.mark} ${saying.words}</span>${end && html`<span>${end}</span>`}</p>`
  }${reason && html`<p class="reason${cell.verdict === 'not-judged' && new Markup(' soft')}">${reason}</p>`}${
    cell.timelines.length > 0 &&
    html`<div class="pictures">${timelineSvg(cell, { endMs, id: `t${number}`, title: `${title}: ${saying.words}${isNamed ? `, ${name}` : ''}` })}</div>`
  }</div>`
}

/** One line for each reason, with the cases that it explains. */
function unjudgedList(cases: readonly ReportCase[], cells: readonly Cell[]): Markup {
  const groups = groupedBy(cellsOf(cases, cells), ({ reason }) => reason?.split('\n')[0] ?? '')
  return html`<details class="unjudged"><summary>${plural(cases.length, 'case')} not judged</summary><ul>${[
    ...groups,
  ].map(
    ([reason, own]) =>
      html`<li>${reason}: <span class="mono soft">${[...new Set(own.map((cell) => cell.case))].join(', ')}</span></li>`,
  )}</ul></details>`
}

function foot({ by, version }: Report): Markup {
  return html`<footer>Asked by hangup ${by.hangup} on ${by.runtime}, ${by.platform}. Report version ${version}. Times are as a client sees them.</footer>`
}
