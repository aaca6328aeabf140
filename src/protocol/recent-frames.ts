/**
 * Frames in layouts other than the one in which their message came. Each is as large as the message, and a message may
 * be kept for years, so frames are forgotten soon: most messages are delivered to all receivers at once.
 *
 *   [ message, message, … ]   256 messages, and 1 MiB of frames besides those of the newest; beyond it the oldest forget theirs
 *
 * @module
 */
import { Ring } from '../base/ring.ts'

const MOST_MESSAGES = 256
const MOST_BYTES = 1_048_576

/** The owner of such frames. */
export interface FrameHolder {
  /** @returns how many bytes were counted for its frames, all of which are released */
  forgetFrames(): number
}

export class RecentFrames {
  /** Bytes of the frames that are kept. */
  bytes = 0
  readonly #holders = new Ring<FrameHolder>()

  /** @param isFirst whether it has no other frames that count */
  made(holder: FrameHolder, bytes: number, isFirst: boolean): void {
    if (isFirst) this.#holders.push(holder)
    this.bytes += bytes
    while (this.#holders.length > MOST_MESSAGES || (this.bytes > MOST_BYTES && this.#holders.length > 1)) {
      this.bytes -= this.#holders.shift()!.forgetFrames()
    }
  }
}
