/** What the broker did in the last hour and in the last month, as `broker.admin` shows it. @module */

/** What is kept of each second and of each hour. Counters are kept as what they grew by each second. */
export interface HistorySample {
  /** Connected clients. */
  readonly clients: number
  /** Sessions whose clients are not connected. */
  readonly sessionsAway: number
  /** Messages of QoS 1 and 2 that wait in sessions. */
  readonly queuedMessages: number
  /** What everything that the broker keeps for its clients takes in memory. */
  readonly memoryBytes: number
  /** PUBLISH packets each second. */
  readonly messagesReceived: number
  readonly messagesSent: number
  /** Messages each second that did not reach a client. */
  readonly messagesDropped: number
  /** Each second. */
  readonly bytesReceived: number
  readonly bytesSent: number
  /** The share of its time in which the broker was at work, in percent. */
  readonly busyPercent: number
  /** How long a commit to the store took, on average; 0 without one. */
  readonly commitMs: number
}

/** The name of a figure that the history keeps. */
export type HistoryFigure = keyof HistorySample

/** The figures of the last hour or of the last month, the oldest first. */
export interface HistoryView {
  readonly span: 'hour' | 'month'
  /**
   * The ends of the intervals, in milliseconds since 1970. There is none for the time in which the broker did not run.
   */
  readonly atMs: readonly number[]
  /** For each figure its values, as many as there are times: averages over their intervals. */
  readonly figures: Readonly<Record<HistoryFigure, readonly number[]>>
}

/** Which of them. */
export interface HistoryQuery {
  /** Default `hour`. */
  readonly span?: 'hour' | 'month' | undefined
  /** The most intervals, from 2 to 3600; default 600. If there are more, neighbours are averaged. */
  readonly points?: number | undefined
}
