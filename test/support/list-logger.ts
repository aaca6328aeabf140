/** A Logger that records the messages. @module */
import type { Logger, LogMethod } from '../../src/base/log.ts'

export function listLogger(): Logger & { readonly lines: string[] } {
  const lines: string[] = []
  const method: LogMethod = (first: object | string, second?: string) => {
    lines.push(second ?? (first as string))
  }
  return { lines, debug: method, info: method, warn: method, error: method }
}
