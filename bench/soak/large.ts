/** Of the response that slow readers take and rude ones leave. */
export const largeBytes = 2 * 2 ** 20
