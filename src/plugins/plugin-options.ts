/**
 * Reads the options of our plugins against a schema, and reports all errors at once, in the spelling of files. @module
 */
import * as v from 'valibot'
import { ConfigError } from '../base/errors.ts'
import { toKebab } from '../config/option-spelling.ts'

/** A number of milliseconds. */
export const milliseconds = (fallback: number) => v.optional(v.pipe(v.number(), v.minValue(0)), fallback)

/**
 * @param place the name of the section, such as `auth.jwt`
 * @throws {ConfigError} `ERR_CONFIG_PLUGIN` that names every invalid key, and no value
 */
export function readPluginOptions<Schema extends v.GenericSchema>(
  place: string,
  schema: Schema,
  section: unknown,
): v.InferOutput<Schema> {
  if (section === undefined) throw new ConfigError('ERR_CONFIG_PLUGIN', `the plugin requires the section \`${place}\``)
  const { success, output, issues } = v.safeParse(schema, section)
  if (success) return output
  throw new ConfigError('ERR_CONFIG_PLUGIN', issues.map((issue) => `${place}${describe(issue)}`).join('\n'))
}

function describe(issue: v.BaseIssue<unknown>): string {
  const keys = issue.path?.map(({ key }) => `.${toKebab(String(key))}`).join('') ?? ''
  if (issue.kind === 'schema' && issue.type === 'strict_object' && issue.path !== undefined) {
    return issue.expected === 'never' ? `${keys}: unknown key` : `${keys} is missing`
  }
  // `received` may quote the value, which may be secret.
  return `${keys}: ${issue.kind === 'validation' ? issue.message : `expected ${issue.expected}`}`
}
