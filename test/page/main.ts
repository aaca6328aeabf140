/**
 * `npm run page:test`: every page and every action in Debian's Chromium against a real broker, in both themes and at
 * three widths. Nothing may be found by axe-core, nothing logged as an error by the browser, nothing wider than the
 * screen. Pictures of all of it are written to a folder, to be looked at.
 *
 * @module
 */
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { chromium, type Browser } from 'playwright-core'
import { readCommandLine } from '../../tools/command-line.ts'
import { root } from '../../tools/main.ts'
import { actions } from './actions.ts'
import { manyClients } from './many-clients.ts'
import { places, visitAll } from './places.ts'
import { themes, Visitor, widths, type Look } from './visitor.ts'
import { busyWorld, emptyWorld, type World } from './world.ts'

const help = `Tests the page for operators in a browser.

Usage: npm run page:test -- [--folder FOLDER] [--docs]

  --folder FOLDER   where pictures are written; default: build/page-pictures
  --docs            also renew the pictures of docs/operating/page.md
  --help            this text
`

/** Pictures in the manual. */
const DOCS = join(root, 'docs/operating/pictures')
const IN_DOCS = ['overview', 'client', 'why-answer', 'console-message']

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium'

const looks: readonly Look[] = themes.flatMap((theme) =>
  (Object.keys(widths) as Look['width'][]).map((width) => ({ theme, width })),
)

async function emptyPages(browser: Browser, theme: Look['theme'], folder: string): Promise<void> {
  const world = await emptyWorld()
  try {
    const visitor = await Visitor.open(browser, world, { theme, width: 'wide' }, folder)
    await visitor.inspectAll('login')
    await visitor.logIn()
    for (const path of ['overview', 'clients', 'retained'] as const) {
      const { heading } = places.find((place) => place.path === path)!
      await visitor.goTo(path, heading)
      await visitor.page.getByText(/mosquitto_pub -h 127\.0\.0\.1 -p \d+/).waitFor()
      await visitor.inspectAll(`empty-${path}`)
    }
    await withNetwork(visitor)
    await visitor.close()
  } finally {
    await world.close()
  }
}

/** As if the listener were bound to an address of the network, and asked for a login. */
async function withNetwork(visitor: Visitor): Promise<void> {
  const listener = { name: 'plain', url: 'mqtt://192.0.2.7:1883', address: '192.0.2.7', port: 1883 }
  await visitor.page.route('**/api/v1/listeners', (route) =>
    route.fulfill({ json: [{ ...listener, admitsAnonymous: false }] }),
  )
  await visitor.goTo('topics', 'Topics')
  await visitor.goTo('clients', 'Clients')
  await visitor.page.getByText('mosquitto_sub -h 192.0.2.7 -p 1883 -u NAME -P PASSWORD').waitFor()
  await visitor.page.getByRole('img', { name: 'QR code of mqtt://192.0.2.7:1883' }).waitFor()
  await visitor.inspectAll('first-steps')
}

async function busyPages(browser: Browser, world: World, theme: Look['theme'], folder: string): Promise<void> {
  const visitor = await Visitor.open(browser, world, { theme, width: 'wide' }, folder)
  await visitor.logIn()
  await visitAll(visitor)
  await visitor.close()
  console.log(`ok ${theme}: ${places.length} pages at all widths`)
}

async function allActions(browser: Browser, world: World, theme: Look['theme'], folder: string): Promise<void> {
  for (const look of looks.filter((one) => one.theme === theme)) {
    const visitor = await Visitor.open(browser, world, look, folder)
    await visitor.logIn()
    for (const [name, action] of Object.entries(actions)) {
      await action(visitor, world.broker, looks.indexOf(look)).catch((error: unknown) => {
        throw new Error(`${name} failed (${look.theme}, ${look.width})`, { cause: error })
      })
    }
    await visitor.close()
    console.log(`ok ${look.theme}, ${look.width}: ${Object.keys(actions).length} actions`)
  }
}

async function main(): Promise<void> {
  const { values } = readCommandLine(help, { folder: { type: 'string' }, docs: { type: 'boolean' } })
  const { folder = join(root, 'build/page-pictures') } = values
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] })
  try {
    await Promise.all(themes.map((theme) => emptyPages(browser, theme, folder)))
    console.log('ok: pages of a broker that has nothing yet')
    const world = await busyWorld()
    try {
      await Promise.all(themes.map((theme) => busyPages(browser, world, theme, folder)))
      await Promise.all(themes.map((theme) => allActions(browser, world, theme, folder)))
      await manyClients(browser, world, folder)
      console.log('ok: 100,000 clients in the list')
    } finally {
      await world.close()
    }
  } finally {
    await browser.close()
  }
  if (values.docs === true)
    for (const name of IN_DOCS) copyFileSync(join(folder, `${name}-light-medium.png`), join(DOCS, `${name}.png`))
  console.log(`pictures: ${folder}`)
}

await main()
