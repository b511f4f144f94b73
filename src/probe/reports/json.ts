import type { Report } from '../report.ts'

/** A line for each cell: small, and still to be compared with `diff`. */
export function toJson({ cells, counts, ...rest }: Report): string {
  const head = JSON.stringify(rest, null, 1).slice(0, -2)
  const lines = cells.map((cell) => `\n  ${JSON.stringify(cell)}`).join(',')
  return `${head},\n "counts": ${JSON.stringify(counts)},\n "cells": [${lines}\n ]\n}\n`
}
