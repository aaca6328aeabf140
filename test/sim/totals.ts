/** What a simulation went through, for the summary: a total of zero proves nothing. @module */

export class Totals {
  clients = 0
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
  /** Turns whose budget was used up, or nearly, before anything happened. */
  fullTurns = 0
  takeovers = 0
  keepAliveTimeouts = 0
  slowReceivers = 0
  sessionsResumed = 0
  sessionsExpired = 0
  /** Ended for another one of the same user, and refused to Clients whose user has none to give. */
  sessionsGivenUp = 0
  sessionsRefused = 0
  /** Given back by the Store after a restart. */
  sessionsSurvived = 0
  /** Messages that a replay still owed then. */
  replaysSurvived = 0
  storeFailures = 0
  publishesRefused = 0
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

/** What nobody sees where nothing is stored. */
export const OF_STORES: readonly TotalName[] = [
  'sessionsSurvived',
  'replaysSurvived',
  'storeFailures',
  'publishesRefused',
]

/** Adds what `more` counts. */
export function addTotals(to: Totals, more: Readonly<Totals>): void {
  for (const name of Object.keys(more) as TotalName[]) to[name] += more[name]
}

/** What each seed has to go through at least, in the order of the summary. */
export const MEASURES: readonly { readonly name: string; readonly least: number; of: (totals: Totals) => number }[] = [
  { name: 'virtual minutes', least: 10, of: ({ virtualMinutes }) => virtualMinutes },
  { name: 'Clients', least: 50, of: ({ clients }) => clients },
  { name: 'Control Packets', least: 2000, of: ({ packetsReceived, packetsSent }) => packetsReceived + packetsSent },
  { name: 'faults', least: 20, of: ({ faults }) => faults },
  { name: 'restarts', least: 3, of: ({ restarts }) => restarts },
]

/** @returns what a seed lacks, in words; `undefined` if it went through enough */
export function shortfallOf(totals: Totals): string | undefined {
  const short = MEASURES.filter(({ least, of }) => of(totals) < least)
  if (short.length === 0) return undefined
  return `too little happened: ${short.map(({ name, of }) => `${of(totals)} ${name}`).join(', ')}`
}
