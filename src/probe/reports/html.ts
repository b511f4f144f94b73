import type { Report } from '../report.ts'

export function toHtml(_report: Report): string {
  return ''
}
