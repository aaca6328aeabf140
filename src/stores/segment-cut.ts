/**
 * When the journal cuts a segment: what was gathered until then is its end, and what comes next gathers for a new one.
 *
 *   size          it has reached the size that the store's space allows at present (`space.ts`)
 *   a checkpoint  all that it folds has to be in earlier segments (`Journal.rotate`)
 *   a failure     a segment that could not be written or synced is not trusted any more (`SegmentLine.startOver`)
 *
 * The first two are decided here, between turns: a turn is never divided. Until the next segment has its file, turns
 * still go to the old one, which may so grow beyond its size.
 *
 * @module
 */

/** No segment grows beyond this, whatever else waits for that: offsets have 32 bits, and one more turn may follow. */
const largestSegmentBytes = 2 ** 31

/**
 * Whether a segment is cut at that place.
 *
 * @param endBytes where what was gathered for it ends
 * @param segmentBytes the size that segments may have at present
 * @param isAskedFor a checkpoint waits for it
 */
export function isCutDue(endBytes: number, segmentBytes: number, isAskedFor: boolean): boolean {
  return isAskedFor || endBytes >= segmentBytes
}

/** Whether a segment that ends there takes nothing more, so that the journal has to wait for the next one. */
export function isTooLong(endBytes: number): boolean {
  return endBytes > largestSegmentBytes
}
