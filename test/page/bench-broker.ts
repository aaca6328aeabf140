/** The broker of `bench.ts`, in a process of its own, so that its processor time is its own. @module */
import { join } from 'node:path'
import { adminUrlsOf } from '../../src/admin/admin-services.ts'
import { Crowd } from '../support/crowd.ts'
import { scratchFolder } from '../support/scratch-folder.ts'

const folder = scratchFolder()
const files = { socket: join(folder, 'a.sock'), 'keys-file': join(folder, 'keys') }
const admin = { bind: '127.0.0.1:0', ...files, 'max-request-rate': 0 }
const config = { admin, auth: { 'allow-anonymous': true } }
const { broker } = await Crowd.gather({ clients: Number(process.argv[2]), sockets: 0, config })
const { key } = await broker.admin.createApiKey({ name: 'page', role: 'administrator' })

process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send!({ microseconds: user + system })
})
process.on('disconnect', () => process.exit())
process.send!({ url: adminUrlsOf(broker)[0], key })
