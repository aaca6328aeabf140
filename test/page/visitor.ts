/**
 * Somebody who looks at the page in a browser: Debian's Chromium. Everything waits for what is to be seen, never for a
 * time.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Browser, Locator, Page } from 'playwright-core'
import type { Broker } from '../../src/index.ts'
import type { World } from './world.ts'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

export const widths = { wide: 1440, medium: 900, phone: 390 } as const
export const themes = ['light', 'dark'] as const

/** How the page is looked at. */
export interface Look {
  readonly theme: (typeof themes)[number]
  readonly width: keyof typeof widths
}

/** Something that is done at the page. Each look has clients and names of its own, by its number. */
export type Action = (visitor: Visitor, broker: Broker, number: number) => Promise<void>

interface AxeResult {
  readonly violations: readonly { readonly id: string; readonly nodes: readonly { readonly html: string }[] }[]
}

export class Visitor {
  readonly page: Page
  look: Look
  readonly #world: World
  readonly #folder: string
  /** What the browser and axe-core have complained about. */
  readonly complaints: string[] = []

  private constructor(page: Page, look: Look, world: World, folder: string) {
    this.page = page
    this.look = look
    this.#world = world
    this.#folder = folder
    page.setDefaultTimeout(30_000)
    page.on('console', (message) => {
      // That there is no such session, a trace without a condition, or why a console is lost, gets an answer that
      // Chromium logs as an error.
      const isAbsence =
        /status of 4(?:0[04]|26)/.test(message.text()) &&
        /\/api\/v1\/(?:sessions\/|clients\/|traces|console)/.test(message.location().url)
      if (/^(?:error|warning)$/.test(message.type()) && !isAbsence)
        this.complaints.push(`${message.text()} (${message.location().url})`)
    })
    page.on('pageerror', (error) => this.complaints.push(String(error)))
  }

  /** @param folder for pictures */
  static async open(browser: Browser, world: World, look: Look, folder: string): Promise<Visitor> {
    mkdirSync(folder, { recursive: true })
    const viewport = { width: widths[look.width], height: 900 }
    const context = await browser.newContext({ viewport, colorScheme: look.theme, reducedMotion: 'reduce' })
    const visitor = new Visitor(await context.newPage(), look, world, folder)
    await visitor.page.goto(world.url)
    await visitor.heading('Log in').waitFor()
    return visitor
  }

  async close(): Promise<void> {
    await this.page.context().close()
    assert.deepEqual(this.complaints, [])
  }

  /** By a link, as `sluice admin link` prints it. */
  async logIn(): Promise<void> {
    await this.page.getByLabel('With').selectOption('API key')
    await this.page.getByLabel('API key', { exact: true }).fill(this.#world.key)
    await this.page.getByRole('button', { name: 'Log in' }).click()
    await this.heading('Overview').waitFor()
  }

  /** Another browser logs in. */
  async logInElsewhere(userName: string, password: string): Promise<void> {
    const headers = { 'Content-Type': 'application/json', Origin: this.#world.url }
    const body = JSON.stringify({ userName, password })
    const { status } = await fetch(`${this.#world.url}/api/v1/login`, { method: 'POST', headers, body })
    assert.equal(status, 200)
  }

  heading(name: string | RegExp): Locator {
    return this.page.getByRole('heading', { level: 1, name })
  }

  button(name: string): Locator {
    return this.page.getByRole('button', { name, exact: true })
  }

  row(text: string | RegExp): Locator {
    return this.page.getByRole('row').filter({ hasText: text }).first()
  }

  /** The note at the foot of the page. */
  async note(text: string): Promise<void> {
    await this.page.locator('.note').getByText(text, { exact: false }).waitFor()
  }

  /** Goes to a place in the page, and waits until everything there is loaded. */
  async goTo(path: string, heading: string | RegExp): Promise<void> {
    await this.page.evaluate(`location.hash = ${JSON.stringify(`#/${path}`)}`)
    await this.heading(heading).waitFor()
    await this.loaded()
  }

  async loaded(): Promise<void> {
    await this.page
      .locator('main')
      .filter({ hasNotText: /Loading …|Asking the broker …/ })
      .waitFor()
  }

  /** Nothing that axe-core finds, nothing wider than the screen, and a picture. */
  async inspect(name: string): Promise<void> {
    const { theme, width } = this.look
    const place = `${name} (${theme}, ${width})`
    await this.page.screenshot({ path: join(this.#folder, `${name}-${theme}-${width}.png`) })
    await this.page.evaluate(AXE)
    const { violations } = (await this.page.evaluate("axe.run(document, { resultTypes: ['violations'] })")) as AxeResult
    const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' ')}`)
    this.complaints.push(...found.map((violation) => `${place}: ${violation}`))
    const excess = (await this.page.evaluate('document.documentElement.scrollWidth - innerWidth')) as number
    if (excess > 0) this.complaints.push(`${place}: ${excess} pixels wider than the screen`)
  }

  async resize(width: Look['width']): Promise<void> {
    this.look = { ...this.look, width }
    await this.page.setViewportSize({ width: widths[width], height: 900 })
  }

  /** At all widths. */
  async inspectAll(name: string): Promise<void> {
    for (const width of Object.keys(widths) as Look['width'][]) {
      await this.resize(width)
      await this.inspect(name)
    }
  }

  /** A key that comes while the browser is still scrolling is lost. */
  async pressUntil(key: string, seen: Locator): Promise<void> {
    for (let times = 0; times < 30; times++) {
      await this.page.keyboard.press(key)
      const isSeen = await seen.waitFor({ timeout: 1000 }).then(
        () => true,
        () => false,
      )
      if (isSeen) return
    }
    await seen.waitFor()
  }

  /** Answers the question that is open. */
  async confirm(action: string): Promise<void> {
    await this.page.getByRole('dialog').getByRole('button', { name: action, exact: true }).click()
    await this.page.getByRole('dialog').waitFor({ state: 'detached' })
  }
}
