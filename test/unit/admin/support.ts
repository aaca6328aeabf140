/** Calls of `broker.admin` on a broker in virtual time. @module */
import type { VirtualBroker } from '../../support/virtual-broker.ts'

/** Gives a call the turns that it needs. */
export async function settled<Answer>({ clock }: VirtualBroker, call: Promise<Answer>): Promise<Answer> {
  let isDone = false
  // Whether it rejects is for the caller to see.
  void Promise.allSettled([call]).then(() => (isDone = true))
  while (!isDone) {
    await new Promise<void>((resolve) => setImmediate(resolve))
    clock.runTurns()
  }
  return call
}

/** All pages of a list, one item after the other, and how many pages there were. */
export async function allOf<Item>(
  broker: VirtualBroker,
  page: (
    cursor: string | undefined,
  ) => Promise<{ readonly items: readonly Item[]; readonly cursor: string | undefined }>,
): Promise<{ readonly items: readonly Item[]; readonly pages: number }> {
  const items: Item[] = []
  let cursor: string | undefined
  let pages = 0
  do {
    const next = await settled(broker, page(cursor))
    items.push(...next.items)
    cursor = next.cursor
    pages++
  } while (cursor !== undefined)
  return { items, pages }
}
