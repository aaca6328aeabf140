/** The operations that show the configuration in force. @module */

/** A key of the configuration, its value, and the source of that. */
export interface ConfigurationEntryView {
  /** As in a configuration file, such as `listeners.tls.certfile`. */
  readonly key: string
  /** As a text; `(hidden)` for a secret. */
  readonly value: string
  /**
   * `environment`: the file has a variable there. `program`: from the program that has made the broker, or from the
   * command that has started it. `default`: nobody has given it.
   */
  readonly source: 'file' | 'environment' | 'program' | 'default'
  /** The configuration file that has the value. */
  readonly file: string | undefined
  /** Counted from 1. */
  readonly line: number | undefined
}

/** The parameters of each operation. */
export interface ConfigurationParameters {
  configuration: object
  configurationEntries: object
}

/** The configuration in force. */
export interface ConfigurationAdmin {
  /** The configuration in force, every default filled in, secrets and plugins' own options left out. */
  configuration(parameters?: object): Promise<Readonly<Record<string, unknown>>>
  /** The same key by key, with where each value comes from. */
  configurationEntries(parameters?: object): Promise<readonly ConfigurationEntryView[]>
}
