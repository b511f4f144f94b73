/** The text at which the application closes its WebSocket. */
export const pleaseClose = 'please close'
