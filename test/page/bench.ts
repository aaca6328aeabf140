/**
 * `npm run page:bench`: what the page costs with 100,000 clients, as a table. Figures of a busy machine say little:
 * nothing is asserted here.
 *
 *   script a frame   of the list while it scrolls, from Chromium's trace
 *   search           from the key to the shorter list
 *   interactive      from the navigation to the login form, with an empty cache
 *   broker           its processor time while the overview is open, less than without a page
 *
 * @module
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { chromium, type Browser, type Page } from 'playwright-core'
import { root } from '../../tools/main.ts'
import { scriptPerFrame, type TraceEvent } from './frames.ts'

const CLIENTS = 100_000
const SECONDS = 30
const SCROLLS = 120
const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium'

interface Door {
  readonly url: string
  readonly key: string
}

async function answerOf(broker: ChildProcess): Promise<unknown> {
  const [answer] = (await once(broker, 'message')) as [unknown]
  return answer
}

/** Of the broker, in percent of a core, over some seconds. */
async function busyPercent(broker: ChildProcess): Promise<number> {
  const used = async (): Promise<number> => {
    const answer = answerOf(broker)
    broker.send('usage')
    return ((await answer) as { readonly microseconds: number }).microseconds
  }
  const [before, at] = [await used(), performance.now()]
  await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000))
  return ((await used()) - before) / 10 / (performance.now() - at)
}

async function logIn(page: Page, { url, key }: Door): Promise<number> {
  await page.goto(url)
  await page.getByRole('heading', { level: 1, name: 'Log in' }).waitFor()
  const interactive = (await page.evaluate(
    "performance.getEntriesByType('paint').find(({ name }) => name === 'first-contentful-paint').startTime",
  )) as number
  await page.getByLabel('With').selectOption('API key')
  await page.getByLabel('API key', { exact: true }).fill(key)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()
  return interactive
}

async function scroll(browser: Browser, page: Page): Promise<readonly number[]> {
  await browser.startTracing(page, { categories: ['devtools.timeline', 'disabled-by-default-devtools.timeline'] })
  await page.evaluate(`new Promise((resolve) => {
    const table = document.querySelector('.table')
    let left = ${SCROLLS}
    const step = () => {
      table.scrollTop += 900
      left-- > 0 ? requestAnimationFrame(step) : resolve()
    }
    requestAnimationFrame(step)
  })`)
  const text = (await browser.stopTracing()).toString()
  return scriptPerFrame((JSON.parse(text) as { readonly traceEvents: readonly TraceEvent[] }).traceEvents)
}

/** Until the count of what was found is another one and painted. */
async function search(page: Page, text: string): Promise<number> {
  return (await page.evaluate(`new Promise((resolve) => {
    const input = document.querySelector('input[type=search]')
    const found = document.querySelector('.found')
    const start = performance.now()
    new MutationObserver((_, observer) => {
      observer.disconnect()
      requestAnimationFrame(() => resolve(performance.now() - start))
    }).observe(found, { characterData: true, childList: true, subtree: true })
    input.value = ${JSON.stringify(text)}
    input.dispatchEvent(new Event('input', { bubbles: true }))
  })`)) as number
}

function share(values: readonly number[], part: number): number {
  return values.toSorted((one, other) => one - other)[Math.floor((values.length - 1) * part)] ?? 0
}

async function main(): Promise<void> {
  const broker = fork(join(root, 'build/test/page/bench-broker.js'), [String(CLIENTS)])
  const door = (await answerOf(broker)) as Door
  const closed = await busyPercent(broker)
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] })
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } })
  const interactive = await logIn(page, door)
  const open = await busyPercent(broker)
  await page.evaluate("location.hash = '#/clients'")
  await page.getByText('100,000', { exact: false }).first().waitFor({ timeout: 120_000 })
  const listed = await busyPercent(broker)
  const frames = await scroll(browser, page)
  const searches = [await search(page, 'attached-54321'), await search(page, 'attached-1'), await search(page, '')]
  const row = (name: string, value: string, aim: string): void =>
    console.log(`${name.padEnd(46)} ${value.padStart(12)}   ${aim}`)
  row(`script a frame, scrolling, median of ${frames.length}`, `${share(frames, 0.5).toFixed(1)} ms`, '')
  row('script a frame, scrolling, 95th percentile', `${share(frames, 0.95).toFixed(1)} ms`, '<= 8 ms')
  row('search, slowest of three', `${Math.max(...searches).toFixed(0)} ms`, '< 100 ms')
  row('login form painted, empty cache', `${interactive.toFixed(0)} ms`, '< 300 ms')
  row('broker without a page', `${closed.toFixed(2)} %`, '')
  row('broker with the overview open', `${open.toFixed(2)} %`, '1 % more')
  row('broker after going to the list of clients', `${listed.toFixed(2)} %`, '')
  await browser.close()
  broker.disconnect()
}

await main()
