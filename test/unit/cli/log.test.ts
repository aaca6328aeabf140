import assert from 'node:assert/strict'
import { closeSync, fstatSync, openSync, readFileSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { StoreError } from '../../../src/base/errors.ts'
import { ProgramLog, type LogOutput, type LogSettings } from '../../../src/cli/log.ts'
import { scratchFolder } from '../../support/scratch-folder.ts'

const PLAIN = { isInteractive: false, hasColours: false }
const ISO = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`

interface Opened extends Disposable {
  readonly log: ProgramLog
  /** What has been written to where standard output leads. */
  text(): string
}

/** A log whose standard output is a file. */
function open(settings: Partial<LogSettings> = {}, isJournal = false, terminal = PLAIN): Opened {
  const file = join(scratchFolder(), 'log')
  const descriptor = openSync(file, 'w')
  const { dev, ino } = fstatSync(descriptor)
  const output: LogOutput = { descriptor, journalStream: isJournal ? `${dev}:${ino}` : '1:1' }
  const log = new ProgramLog({ level: 'info', ...settings }, terminal, output)
  return { log, text: () => readFileSync(file, 'utf8'), [Symbol.dispose]: () => closeSync(descriptor) }
}

test('a log that cannot be written stops nobody, on a terminal or not', () => {
  const file = join(scratchFolder(), 'log')
  closeSync(openSync(file, 'w'))
  const readOnly = openSync(file, 'r') // writing fails, as it does on a full disk
  for (const isInteractive of [true, false]) {
    const output = { descriptor: readOnly, journalStream: undefined }
    const log = new ProgramLog({ level: 'info' }, { isInteractive, hasColours: false }, output)
    for (let line = 0; line < 3; line++) log.error({ line }, 'the store cannot write')
  }
  closeSync(readOnly)
  assert.equal(readFileSync(file, 'utf8'), '')
})

test('lines that were lost are counted in a line, once lines can be written again', () => {
  using opened = open({ format: 'json' })
  const sink = new ProgramLog({ level: 'info', file: '/dev/full' }, PLAIN)
  const long = 'x'.repeat(100_000)
  for (let line = 0; line < 20; line++) sink.info(long)
  sink.configure({ level: 'info', file: join(scratchFolder(), 'log') })
  const file = join(scratchFolder(), 'next')
  sink.configure({ level: 'info', file })
  sink.info('again')
  sink.info('and again')
  const [again, lost] = readFileSync(file, 'utf8').trim().split('\n')
  assert.match(again!, /"msg":"again"/)
  assert.match(lost!, /"level":40.*"msg":"\d+ log lines were lost because they could not be written"/)
  assert.equal(opened.text(), '')
})

test('an error in a line is written out: one of the world as its sentence, one of ours with its stack', () => {
  using opened = open()
  opened.log.error({ err: new StoreError('ERR_STORE_FULL', 'cannot write journal-1: no space') }, 'first')
  opened.log.error({ err: new RangeError('of the host') }, 'second')
  const lines = opened.text().trim().split('\n')
  const [first, second] = lines.map((line) => (JSON.parse(line) as { err: Record<string, string> }).err)
  assert.deepEqual(first, { code: 'ERR_STORE_FULL', message: 'cannot write journal-1: no space' })
  assert.deepEqual([second!['type'], second!['message']], ['RangeError', 'of the host'])
  assert.match(second!['stack']!, /log\.test/)
})

test('level, format and time: what is not worth it is left out, and the rest is JSON or text', () => {
  const cases: readonly (readonly [Partial<LogSettings>, RegExp])[] = [
    [{}, new RegExp(String.raw`^\{"level":40,"time":"${ISO}","port":1,"host":"h","msg":"at h"\}\n$`)],
    [{ time: 'epoch' }, /^\{"level":40,"time":\d{13},"port":1,"host":"h","msg":"at h"\}\n$/],
    [{ time: 'none' }, /^\{"level":40,"port":1,"host":"h","msg":"at h"\}\n$/],
    [{ format: 'text' }, new RegExp(String.raw`^\[${ISO}\] WARN: at h \{"port":1\}\n$`)],
    [{ format: 'text', time: 'epoch' }, /^\[\d{13}\] WARN: at h \{"port":1\}\n$/],
    [{ format: 'text', time: 'none', priorities: true }, /^<4>WARN: at h \{"port":1\}\n$/],
    [{ priorities: true }, /^<4>\{"level":40.*\}\n$/],
    [{ level: 'error' }, /^$/],
  ]
  for (const [settings, expected] of cases) {
    using opened = open({ level: 'warn', ...settings })
    opened.log.info('not worth it')
    opened.log.warn({ port: 1, host: 'h' }, 'at h')
    assert.match(opened.text(), expected, JSON.stringify(settings))
  }
})

test('on a terminal a line begins with the time of day; in the journal with its priority, each of several', () => {
  using terminal = open({}, false, { isInteractive: true, hasColours: false })
  terminal.log.info('up')
  assert.match(terminal.text(), /^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: up\n$/)
  using journal = open({ level: 'debug' }, true)
  journal.log.debug('one')
  journal.log.error('two\nlines')
  assert.equal(journal.text(), '<7>DEBUG: one\n<3>ERROR: two\n<3>lines\n')
})

test('file: appended to, opened again on demand, and left where it cannot be opened', () => {
  const folder = scratchFolder()
  const file = join(folder, 'sluice.log')
  using opened = open({ format: 'text', time: 'none', file }, true)
  opened.log.info('one')
  assert.equal(statSync(file).mode & 0o777 & ~0o640, 0, 'nobody else reads it')
  renameSync(file, `${file}.1`)
  opened.log.info('two')
  opened.log.reopen()
  opened.log.info('three')
  opened.log.configure({ level: 'info', format: 'text', time: 'none', file: join(folder, 'none', 'log') })
  assert.equal(readFileSync(`${file}.1`, 'utf8'), 'INFO: one\nINFO: two\n')
  assert.match(
    readFileSync(file, 'utf8'),
    /^INFO: three\nERROR: the log destination is unchanged: the log file .*none\/log cannot be opened \(ENOENT\); its folder does not exist\n$/,
  )
  opened.log.configure({ level: 'info' })
  opened.log.info('four')
  assert.equal(opened.text(), '<6>INFO: four\n', 'standard output is the journal again')
  assert.throws(() => open({ file: join(folder, 'none', 'log') }), { code: 'ERR_LOG_FILE' })
})
