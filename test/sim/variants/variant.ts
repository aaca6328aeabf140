/** One way to break the broker. @module */

export interface Variant {
  /** What is broken, as a person would say it. */
  readonly name: string
  readonly file: string
  /** Stands in the file exactly once. */
  readonly from: string
  readonly to: string
  /** Seeds within which an oracle has to speak up; default 40. */
  readonly within?: number
  /** It shows only where the broker stores what it promises to keep. */
  readonly stored?: true
}
