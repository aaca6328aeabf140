/** What a simulation went through, for the summary: a total of zero proves nothing. @module */

export class Totals {
  packetsReceived = 0
  packetsSent = 0
  messages = 0
  acknowledged = 0
  deliveries = 0
  resent = 0
  retainedSent = 0
  shared = 0
  sharedMoved = 0
  faults = 0
  restarts = 0
  takeovers = 0
  keepAliveTimeouts = 0
  slowReceivers = 0
  sessionsResumed = 0
  sessionsExpired = 0
  messagesExpired = 0
  messagesBornExpired = 0
  retainedExpired = 0
  dropped = 0
  wills = 0
  willsCancelled = 0
  attacks = 0
  virtualMinutes = 0
}

export type TotalName = keyof Totals

/** Adds what `more` counts. */
export function addTotals(to: Totals, more: Readonly<Totals>): void {
  for (const name of Object.keys(more) as TotalName[]) to[name] += more[name]
}
