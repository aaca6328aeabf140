/** What can be done about users, groups, roles, the default access and bans. @module */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { Action } from './visitor.ts'

const changeUsers: Action = async (visitor, broker, number) => {
  const userName = `gateway-${number}`
  await visitor.goTo('access', 'Access')
  await visitor.page.getByLabel('User name').fill(userName)
  await visitor.page.getByLabel('Password').fill('correct horse')
  await visitor.page.getByLabel('Roles').fill('meter')
  await visitor.button('Save').click()
  await visitor.note(`Saved ${userName}.`)
  await visitor.row(userName).getByRole('button', { name: 'Disable' }).click()
  await visitor.confirm('Disable')
  await visitor.note('Changed.')
  assert.equal((await broker.admin.user({ userName }))?.disabled, true)
  await visitor.button('Undo').click()
  await visitor.note('Undone.')
  await visitor.row(userName).getByRole('button', { name: 'Delete' }).click()
  await visitor.confirm('Delete')
  await visitor.note('Deleted.')
  assert.equal(await broker.admin.user({ userName }), undefined)
}

const changeRoles: Action = async (visitor, broker, number) => {
  const name = `sensor-${number}`
  await visitor.goTo('access/roles', 'Access')
  await visitor.page.getByLabel('Role', { exact: true }).fill(name)
  await visitor.page.getByLabel('Topic filter').fill('sensors/%c/#')
  await visitor.button('Save').click()
  await visitor.note(`Saved ${name}.`)
  await visitor.row(name).getByRole('button', { name: 'Delete' }).click()
  await visitor.confirm('Delete')
  await visitor.note('Deleted.')
  await visitor.button('Undo').click()
  await visitor.note('Undone.')
  assert.equal((await broker.admin.role({ name }))?.rules.length, 1)
  await broker.admin.putUser({ userName: `sensor-user-${number}`, roles: [name] })
  await visitor.page.getByLabel('Role to delete').selectOption(name)
  await visitor.button('Delete …').click()
  await visitor.page.getByRole('dialog').getByText('1 user').waitFor()
  await visitor.confirm('Delete')
  await visitor.note('Deleted.')
  assert.equal(await broker.admin.role({ name }), undefined)
  await visitor.button('Undo').click()
  await visitor.note('Undone.')
  assert.equal((await broker.admin.users({ role: name })).items.length, 1)
  await broker.admin.deleteUser({ userName: `sensor-user-${number}` })
}

const changeBans: Action = async (visitor, broker, number) => {
  const value = `192.0.2.${number + 100}`
  await visitor.goTo('access/bans', 'Access')
  await visitor.page.getByLabel('What').selectOption('Address')
  await visitor.page.getByLabel('Value').fill(value)
  await visitor.page.getByLabel('Hours').fill('2')
  await visitor.button('Ban').click()
  await visitor.confirm('Ban')
  await visitor.note(`Banned ${value}.`)
  await visitor.row(value).getByRole('button').click()
  await visitor.note('The ban has ended.')
  assert.equal(
    (await broker.admin.bans()).items.some((ban) => ban.value === value),
    false,
  )
}

const changeGroups: Action = async (visitor, broker, number) => {
  const name = `floor-${number}`
  const userName = `floor-user-${number}`
  await visitor.goTo('access/groups', 'Access')
  await visitor.page.getByLabel('Group', { exact: true }).fill(name)
  await visitor.page.getByLabel('Roles').fill('meter')
  await visitor.button('Save').click()
  await visitor.note(`Saved ${name}.`)
  await broker.admin.putUser({ userName, groups: [{ name, priority: 3 }] })
  await visitor.row(name).getByRole('button', { name: 'Delete' }).click()
  await visitor.page.getByRole('dialog').getByText('1 user').waitFor()
  await visitor.inspect('group-delete')
  await visitor.confirm('Delete')
  await visitor.note('Deleted.')
  assert.equal(await broker.admin.group({ name }), undefined)
  await visitor.button('Undo').click()
  await visitor.note('Undone.')
  assert.deepEqual((await broker.admin.user({ userName }))?.groups, [{ name, priority: 3 }])
  await broker.admin.deleteUser({ userName })
  await broker.admin.deleteGroup({ name })
}

/** Both themes act at the same time: each changes the access to something else, which the other leaves as it is. */
const changeDefault: Action = async (visitor, broker) => {
  const action = visitor.look.theme === 'light' ? 'receive' : 'unsubscribe'
  await visitor.goTo('access/default', 'Access')
  const chosen = visitor.page.locator('label').filter({ hasText: new RegExp(`^${action}`, 'i') })
  await chosen.getByRole('combobox').selectOption('deny')
  await visitor.button('Save').click()
  await visitor.page.getByText(`no client may ${action}`).waitFor()
  await visitor.inspect('default-change')
  await visitor.page.keyboard.press('Escape')
  await visitor.page.getByRole('dialog').waitFor({ state: 'detached' })
  assert.equal((await broker.admin.defaultAccess())[action], 'allow')
  if (visitor.look.theme === 'dark') return
  await visitor.button('Save').click()
  await visitor.confirm('Save')
  await visitor.note('Changed.')
  assert.equal((await broker.admin.defaultAccess())[action], 'deny')
  await visitor.button('Undo').click()
  await visitor.note('Undone.')
  assert.equal((await broker.admin.defaultAccess())[action], 'allow')
}

const explain: Action = async (visitor) => {
  await visitor.goTo('access/explain', 'Access')
  await visitor.page.getByLabel('User name').fill('meter-0001')
  await visitor.page.getByLabel('Client identifier').fill('meter-0001')
  await visitor.page.getByLabel('Topic').fill('meters/meter-0001/firmware')
  await visitor.button('Explain').click()
  await visitor.page.getByText('meter-0001 may not publish to meters/meter-0001/firmware.').waitFor()
  await visitor.row('meters/%c/firmware').waitFor()
  await visitor.inspect('explained')
  await visitor.page.getByLabel('Topic').fill('meters/meter-0001/energy')
  await visitor.button('Explain').click()
  await visitor.page.getByText('meter-0001 may publish to meters/meter-0001/energy.').waitFor()
}

/** Saved, changed, compared, taken over, and undone. */
const importFile: Action = async (visitor, broker, number) => {
  const userName = `imported-${number}`
  const { page } = visitor
  await visitor.goTo('access/file', 'Access')
  const [saved] = await Promise.all([page.waitForEvent('download'), visitor.button('Download access.json').click()])
  const file = JSON.parse(readFileSync(await saved.path(), 'utf8')) as { readonly format: string }
  assert.equal(file.format, 'sluice-access')
  const changed = { ...file, roles: [], groups: [], users: [{ userName, roles: ['meter'] }] }
  const buffer = Buffer.from(JSON.stringify(changed))
  const chosen = { name: 'access.json', mimeType: 'application/json', buffer }
  await page.getByLabel(/^File/).setInputFiles({ ...chosen, buffer: Buffer.from('meter: yes') })
  await visitor.button('Compare').click()
  await page.getByText('This file is not JSON.').waitFor()
  await page.getByLabel(/^File/).setInputFiles(chosen)
  await visitor.button('Compare').click()
  await page.getByRole('list', { name: 'Who gains and loses what' }).getByText(userName).waitFor()
  await visitor.inspect('access-compared')
  assert.equal(await broker.admin.user({ userName }), undefined)
  await visitor.button('Import …').click()
  await visitor.inspect('access-import')
  await visitor.confirm('Import')
  await visitor.note('Imported.')
  assert.deepEqual((await broker.admin.user({ userName }))?.roles, [{ name: 'meter', priority: 0 }])
  await broker.admin.deleteUser({ userName })
}

export const accessActions: Readonly<Record<string, Action>> = {
  changeUsers,
  changeRoles,
  changeGroups,
  changeDefault,
  explain,
  importFile,
  changeBans,
}
