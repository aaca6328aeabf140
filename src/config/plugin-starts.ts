/**
 * Starts plugins: their modules, schemas and factories are code of others. What they throw is a ConfigError that names
 * the plugin, and one that does not come to its end (a database that does not answer) must not keep the broker from
 * starting, or closing, for ever.
 *
 * @module
 */
import type { Clock } from '../base/clock.ts'
import type { MaybePromise } from '../base/maybe-promise.ts'
import { isOurs, messageOf } from '../base/thrown.ts'
import { within } from '../base/within.ts'
import type { PluginQuestions } from '../access/plugin-questions.ts'
import { isPlugin, pluginRefusal } from './plugin-object.ts'

const DEFAULT_START_SECONDS = 60

export class PluginStarts {
  readonly #clock: Clock
  readonly #questions: PluginQuestions
  readonly #seconds: number

  /** @param seconds that each step of a start may take; default 60 */
  constructor(clock: Clock, questions: PluginQuestions, seconds: number = DEFAULT_START_SECONDS) {
    this.#clock = clock
    this.#questions = questions
    this.#seconds = seconds
  }

  /**
   * Calls a factory. A plugin that it makes after its time is closed.
   *
   * @throws {ConfigError} `ERR_CONFIG_PLUGIN` where it fails or takes too long
   */
  async make(title: string, factory: () => unknown): Promise<unknown> {
    let isLate = false
    const made = async (): Promise<unknown> => {
      const plugin = await factory()
      if (isLate && isPlugin(plugin)) await this.#questions.closeAll([plugin])
      return plugin
    }
    return this.run(title, 'cannot start', made).catch((error: unknown) => {
      isLate = true
      throw error
    })
  }

  /**
   * Does one step of a start. Our own errors say all that is needed; any other is named with what was going on.
   *
   * @param failure what is said if it throws or rejects, such as `cannot start`
   * @throws {ConfigError} `ERR_CONFIG_PLUGIN` where it fails or takes too long
   */
  async run<Value>(title: string, failure: string, act: () => MaybePromise<Value>): Promise<Value> {
    const done = (async () => act())()
    try {
      if (await within(done, this.#seconds * 1000, this.#clock)) return await done
    } catch (error) {
      if (isOurs(error)) throw error
      throw pluginRefusal(`plugin ${title} ${failure}: ${messageOf(error)}`, error)
    }
    throw pluginRefusal(`plugin ${title} has not started within ${this.#seconds} s (plugin-start-timeout)`)
  }
}
