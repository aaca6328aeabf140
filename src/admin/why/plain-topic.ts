/**
 * Topics without what is easily mistyped: the case of letters, and slashes and spaces at the ends of levels. @module
 */

/**
 * Topics that differ in nothing else have the same plain form.
 *
 * @example
 * plainTopic('/Plant// attic/ ') // 'plant/attic'
 */
export function plainTopic(topic: string): string {
  return slashless(spaceless(topic.toLowerCase()))
}

function spaceless(topic: string): string {
  return topic
    .split('/')
    .map((level) => level.trim())
    .join('/')
}

function slashless(topic: string): string {
  return topic.replaceAll(/\/+/g, '/').replaceAll(/^\/|\/$/g, '')
}

/**
 * In what two topics differ that have the same plain form.
 *
 * @param isSame whether two forms are the same, or a filter matches a topic
 * @returns `undefined` if they differ in something else
 */
export function plainDifference(
  one: string,
  other: string,
  isSame: (one: string, other: string) => boolean,
): string | undefined {
  if (isSame(one.toLowerCase(), other.toLowerCase())) return 'the case of letters differs'
  if (isSame(slashless(one), slashless(other))) return 'a slash differs'
  if (isSame(spaceless(one), spaceless(other))) return 'a space differs'
  return isSame(plainTopic(one), plainTopic(other)) ? 'slashes, spaces or the case of letters differ' : undefined
}
