/** How our plugins read a section of options of their own: by a schema, all mistakes at once, in the spelling of files. @module */
import * as v from 'valibot'
import { ConfigError } from '../base/errors.ts'
import { toKebab } from '../config/option-spelling.ts'

/** A number of milliseconds. */
export const milliseconds = (fallback: number) => v.optional(v.pipe(v.number(), v.minValue(0)), fallback)

/**
 * @param place where the section stands, such as `auth.jwt`
 * @throws {ConfigError} `ERR_CONFIG_PLUGIN` that names every key that is wrong, and no value
 */
export function readPluginOptions<Schema extends v.GenericSchema>(
  place: string,
  schema: Schema,
  section: unknown,
): v.InferOutput<Schema> {
  if (section === undefined) throw new ConfigError('ERR_CONFIG_PLUGIN', `the plugin needs the section \`${place}\``)
  const { success, output, issues } = v.safeParse(schema, section)
  if (success) return output
  throw new ConfigError('ERR_CONFIG_PLUGIN', issues.map((issue) => `${place}${describe(issue)}`).join('\n'))
}

function describe(issue: v.BaseIssue<unknown>): string {
  const keys = issue.path?.map(({ key }) => `.${toKebab(String(key))}`).join('') ?? ''
  if (issue.kind === 'schema' && issue.type === 'strict_object' && issue.path !== undefined) {
    return issue.expected === 'never' ? `${keys}: there is no such key` : `${keys} is missing`
  }
  // `received` may quote the value, which may be a secret.
  return `${keys}: ${issue.kind === 'validation' ? issue.message : `expected ${issue.expected}`}`
}
