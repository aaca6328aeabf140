/** A plugin that sees every message and every delivery, and lets all of them pass: what asking costs. @module */
import type { Plugin } from '../access/plugin.ts'

export default function passingPlugin(): Plugin {
  return { name: 'passing', intercept: () => undefined, transformDelivery: () => undefined }
}
