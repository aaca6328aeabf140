/** `sluice start`: runs a broker until a signal stops it. @module */
import { messageOf } from '../base/thrown.ts'
import type { LogOptions, Options } from '../config/options.ts'
import { realClock } from '../turn/clock.ts'
import { Broker } from '../create-broker.ts'
import { adminUrlsOf } from '../admin/admin-services.ts'
import { lifeOf, serverOf } from '../broker/broker.ts'
import type { Call } from './command.ts'
import { readConfig, stateSentence, warningsOf, type CheckedConfig } from './config.ts'
import { ProgramLog } from './log.ts'
import { invite, type Host } from './invitation.ts'
import { serve } from './serve.ts'
import { serviceManagerOf } from './service-manager.ts'

export function start({ options: written, terminal }: Call): Promise<number> {
  const { config, 'log-level': level } = written
  const checked = readConfig(config)
  const settingsOf = ({ log: options }: Options): LogOptions =>
    level === undefined ? options : { ...options, level: level as LogOptions['level'] }
  const log = new ProgramLog(settingsOf(checked.options), terminal)
  const source = checked.source && { source: checked.source }
  const repair = written['repair'] !== undefined
  const reread = (): CheckedConfig => {
    // This comes first: a rotated log has to be released, whether the configuration is valid or not.
    log.reopen()
    return readConfig(config)
  }
  const broker = new Broker(checked.input, { logger: log, repair, readConfig: reread, ...source })
  const warn = (options: Options): void => {
    for (const warning of warningsOf(options)) log.warn(warning)
  }
  warn(checked.options)
  // Whoever asked for it: a signal, a command, or the HTTP API.
  broker.on('reloaded', () => {
    log.configure(settingsOf(broker.options))
    warn(broker.options)
  })
  const reload = async (): Promise<void> => void (await lifeOf(broker).reread())
  const manager = serviceManagerOf({
    environment: process.env,
    processId: process.pid,
    clock: realClock,
    monotonicUs: () => process.hrtime.bigint() / 1000n,
    log,
  })
  const announced = (): Promise<void> =>
    invite(hostOf(broker), log, terminal).catch((error: unknown) =>
      log.warn(`cannot create a login link: ${messageOf(error)}`),
    )
  const announcements = [stateSentence(checked.options)]
  return serve(broker, { log, signals: process, announcements, announced, reload, manager })
}

function hostOf(broker: Broker): Host {
  return {
    urls: adminUrlsOf(broker),
    hasAdministrator: serverOf(broker).directory.administrators.size > 0,
    createLoginLink: () => broker.admin.createLoginLink(),
  }
}
