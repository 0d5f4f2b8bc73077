import { CHANGE_FIELDS } from '../change-terms.ts'
import type { Contract } from '../contract.ts'
import type { ContractVersions } from '../contract-versions.ts'
import { SCHEMA_URN } from '../contract-versions.ts'
import { SYSTEM_COLUMNS, tableNameOf } from '../table-columns.ts'
import { majorOf } from '../version.ts'
import { durationWords } from './duration-words.ts'
import { code, inline, table } from './markdown.ts'

/** Where rows lie, what else they carry, how long what is kept. */
export function tableSection(contract: Contract): readonly string[] {
  const { product, partitioning, stream, retention, changes } = contract
  const parts = partitioning.map(({ field, transform }) =>
    transform === 'day' ? `the day of ${code(field)}, in UTC` : code(field),
  )
  const days = (count: number) => durationWords(count * 86_400)
  return [
    '## Tables',
    `Rows are in ${code(tableNameOf(contract))}, rejected events in ${code(`${product}_quarantine`)}. ${
      parts.length === 0
        ? 'The table is not partitioned.'
        : `The table is partitioned by ${parts.join(', then by ')}.`
    } Events gather for at most ${durationWords(stream.freshnessSeconds)} before they are archived and committed.`,
    'In front of the fields each row says where it came from:',
    table(
      ['Column', 'Type', 'Meaning'],
      SYSTEM_COLUMNS.map(({ name, type, doc }) => [code(name), String(type), inline(doc ?? '')]),
    ),
    ...(changes === undefined
      ? []
      : [
          'Behind the fields, which hold the row after the change (of a deleted row, what was known before), it says what happened:',
          table(
            ['Column', 'Type', 'Meaning'],
            CHANGE_FIELDS.map(({ name, type, description }) => [
              code(name),
              type.kind,
              inline(description),
            ]),
          ),
        ]),
    table(
      ['What', 'Is kept for'],
      [
        ['records in the stream', durationWords(stream.retentionHours * 3_600)],
        ['raw, from which all else can be made again', days(retention.rawDays)],
        ['rejected events', days(retention.quarantineDays)],
        ['bytes that nobody could decode', days(retention.undecodableDays)],
      ],
    ),
  ]
}

/** Every version that may still be sent, with its table and what its events declare. */
export function versionSection(
  { current, majors }: ContractVersions,
  contracts: readonly Contract[],
): readonly string[] {
  const undeclared = current.undeclaredMajor ?? majorOf(current.version)
  const rows = majors.map((newest) => {
    const major = majorOf(newest.version)
    const versions = contracts.filter((one) => majorOf(one.version) === major)
    return [
      versions.map((one) => one.version).join(', '),
      code(tableNameOf(newest)),
      code(`${SCHEMA_URN}${current.product}:${major}`) +
        (major === undeclared ? ', or nothing' : ''),
      newest.version,
    ]
  })
  return [
    '## Versions in force',
    table(['Versions', 'Table', `Events declare as ${code('dataschema')}`, 'Judged by'], rows),
  ]
}
