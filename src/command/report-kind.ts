/** What a start prints of itself. */
export const reportKinds = ['text', 'json', 'none'] as const
export type ReportKind = (typeof reportKinds)[number]
