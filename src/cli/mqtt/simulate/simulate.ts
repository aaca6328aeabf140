/** `sluice simulate FILE`: a fleet of devices that connect, publish and subscribe as a scenario describes. @module */
import { UsageError } from '../../../base/errors.ts'
import { dial } from '../../../client/dial.ts'
import { realClock, stayAlive } from '../../../turn/clock.ts'
import type { Call } from '../../command.ts'
import { parseFlags } from '../flags.ts'
import { settingsOf } from '../settings.ts'
import type { Totals } from './device.ts'
import { Fleet } from './fleet.ts'
import { readScenario } from './scenario.ts'

const REPORT_MS = 5000
/** What clients have sent last may still be on its way. */
const LEAVE_MS = 500

/** @returns the exit code: 1 if no device could connect */
export async function simulate({ args = [], terminal }: Call): Promise<number> {
  const [first] = args
  const path = first?.startsWith('-') === false ? first : undefined
  const rest = args.slice(path === undefined ? 0 : 1)
  const seconds = takeSeconds(rest)
  const flags = parseFlags('pub', rest, 'simulate')
  if (path === undefined) throw new UsageError('`sluice simulate` requires the FILE of a scenario.')
  const wrong = ['id', 'id-prefix', 'topic', 'message'].find((name) => flags.has(name))
  if (wrong !== undefined) throw new UsageError(`\`sluice simulate\` has no option --${wrong}: the scenario decides.`)
  const { address, options } = settingsOf(flags)
  const fleet = new Fleet(await readScenario(path), options, realClock, (attempt) => dial(address, attempt))
  const alive = stayAlive()
  fleet.start()
  let last = { ...fleet.totals }
  const report = setInterval(() => {
    terminal.out(lineOf(fleet, last, REPORT_MS))
    last = { ...fleet.totals }
  }, REPORT_MS)
  await overOrSignalled(seconds)
  clearInterval(report)
  fleet.stop()
  await new Promise<void>((resolve) => setTimeout(resolve, LEAVE_MS))
  alive.cancel()
  terminal.out(summaryOf(fleet))
  return fleet.totals.logins > 0 ? 0 : 1
}

/** Takes `--seconds N` out of the arguments. @returns `undefined` if it is not there */
function takeSeconds(args: string[]): number | undefined {
  const at = args.indexOf('--seconds')
  if (at < 0) return undefined
  const [, written] = args.splice(at, 2)
  const seconds = Number(written)
  if (seconds > 0 && seconds <= 31_536_000) return seconds
  throw new UsageError(`--seconds must be a number above 0, got ${written}.`)
}

function overOrSignalled(seconds: number | undefined): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
    if (seconds !== undefined) setTimeout(resolve, seconds * 1000).unref()
  })
}

function lineOf({ size, totals }: Fleet, last: Totals, spanMs: number): string {
  const rate = (now: number, before: number): string => `${Math.round(((now - before) * 1000) / spanMs)}/s`
  return [
    `${totals.connected} of ${size} connected`,
    `published ${totals.published} (${rate(totals.published, last.published)})`,
    `received ${totals.received} (${rate(totals.received, last.received)})`,
    `failed ${totals.failed}${errorsOf(totals)}`,
  ].join(', ')
}

function summaryOf({ size, totals }: Fleet): string {
  const { logins, published, acknowledged, received, failed } = totals
  const counts = `published ${published} (${acknowledged} acknowledged), received ${received}, failed ${failed}`
  return `${size} devices, ${logins} logins, ${counts}${errorsOf(totals)}`
}

function errorsOf({ errors }: Totals): string {
  return Array.from(errors, ([code, count]) => `, ${count} × ${code}`).join('')
}
