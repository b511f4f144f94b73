import type { Case } from '../case.ts'
import bodies from './bodies.ts'
import connections from './connections.ts'
import fields from './fields.ts'
import frameworks from './frameworks.ts'
import hostile from './hostile.ts'
import lengths from './lengths.ts'
import middlewares from './middlewares.ts'
import reports from './reports.ts'
import requests from './requests.ts'
import results from './results.ts'
import signals from './signals.ts'
import statuses from './statuses.ts'
import streams from './streams.ts'
import upgrades from './upgrades.ts'

interface Chapter {
  readonly title: string
  readonly cases: readonly Case[]
  /** A limit on handlers could change what comes of them. */
  readonly guarded?: true
}

export const chapters: readonly Chapter[] = [
  { title: 'Status', cases: statuses },
  { title: 'Fields', cases: fields },
  { title: 'Bodies', cases: bodies },
  { title: 'Lengths', cases: lengths },
  { title: 'Streams', cases: streams, guarded: true },
  { title: 'What the handler returns or throws', cases: results, guarded: true },
  { title: 'Hostile and careless handlers', cases: hostile, guarded: true },
  { title: 'Requests', cases: requests },
  { title: 'The signal', cases: signals, guarded: true },
  { title: 'Connections', cases: connections },
  { title: 'WebSocket', cases: upgrades, guarded: true },
  { title: 'Hono’s middlewares and helpers', cases: middlewares },
  { title: 'Other frameworks', cases: frameworks },
  { title: 'From public reports', cases: reports },
]

export const cases: readonly Case[] = chapters.flatMap(({ cases: all }) => all)

export const guarded: ReadonlySet<Case> = new Set(chapters.flatMap((chapter) => (chapter.guarded ? chapter.cases : [])))
