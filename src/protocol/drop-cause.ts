/**
 * Why a message does not reach a Client. Each cause has a counter (`dropTable` in `reporting/metric-table.ts`) and is
 * reported by the event `dropped`.
 *
 * @module
 */

/** Why a message did not reach a Client. */
export type DropCause =
  | 'not connected'
  | 'output full'
  | 'queue full'
  | 'expired'
  | 'packet too large'
  | 'cannot be encoded'
  | 'not authorized'
  | 'publisher not authorized'
  | 'no member'
  | 'session ended'
  | 'refused by client'
  | 'memory limit'
  | 'store limit'
  | 'damaged'
  | 'too many attempts'
  | 'dropped by plugin'
  | 'plugin failed'
