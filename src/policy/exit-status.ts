/** The exit statuses of commands, for code. What each means is in `codes.ts`. */

/** How a command ends; after a second signal with 128 + its number. */
export const exitStatus = { done: 0, failed: 1, cannotStart: 2 } as const
