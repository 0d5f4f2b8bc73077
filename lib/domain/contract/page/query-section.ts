import type { ViewDefinition } from '#lib/domain/process/view.ts'
import type { WindowDefinition } from '#lib/domain/process/window.ts'
import type { Contract } from '../contract.ts'
import { rowsAsTheyStand, rowsOfDay } from '../sql/saved-queries.ts'
import { tableNameOf } from '../table-columns.ts'
import { durationWords } from './duration-words.ts'
import { code, codeBlock, inline, table } from './markdown.ts'

/** How to ask for rows and for features, and how to see that nothing was lost. */
export function querySection(
  contract: Contract,
  views: readonly ViewDefinition[],
): readonly string[] {
  const { product } = contract
  return [
    '## Query',
    codeBlock('sql', sqlOf(contract)),
    codeBlock(
      'sh',
      [
        `npm run -s weir -- query "select count(*) from ${tableNameOf(contract)}" --region REGION`,
        `npm run -s weir -- quarantine list ${product} --region REGION`,
        `npm run -s weir -- reconcile ${product} --region REGION`,
        ...views.map((view) => `npm run -s weir -- features get ${view.name} KEY --region REGION`),
      ].join('\n'),
    ),
    ...(views.length === 0
      ? []
      : ['Features, per key and window of event time:', viewTable(views)]),
  ]
}

/** Rows of a day; of changes, the rows that exist. */
function sqlOf(contract: Contract): string {
  const { changes } = contract
  return changes === undefined ? rowsOfDay(contract) : rowsAsTheyStand(contract, changes)
}

function viewTable(views: readonly ViewDefinition[]): string {
  return table(
    ['View', 'Key', 'Window', 'Values', 'Fresh for', 'Meaning'],
    views.map((view) => [
      code(view.name),
      code(view.key),
      windowWords(view.window),
      view.aggregates.map((one) => code(one.name)).join(', '),
      durationWords(view.freshnessSeconds),
      inline(view.description),
    ]),
  )
}

function windowWords(window: WindowDefinition): string {
  switch (window.kind) {
    case 'tumbling':
      return `tumbling, ${durationWords(window.sizeSeconds)}`
    case 'sliding':
      return `sliding, ${durationWords(window.sizeSeconds)} every ${durationWords(window.slideSeconds)}`
    case 'session':
      return `session, until ${durationWords(window.gapSeconds)} pass without an event`
    case 'running':
      return 'running total'
  }
}
