/** What is deployed where: decided at synth, never looked up at run time. */
export interface Topology {
  /** Prefix of stack names and name of every cell's Glue database. */
  readonly namespace: string
  readonly environment: string
  /** Who answers for what all products of a cell share. */
  readonly platform: Ownership
  readonly cells: readonly Cell[]
  /** What people may query a cell for, each with a work group of its own. Must name `analysts` and `operations`. */
  readonly purposes: readonly QueryPurpose[]
  /**
   * Whether removing a stack removes its data. Only for clouds that are thrown away: never a default, always asked for.
   */
  readonly disposable: boolean
}

/** One region's whole set. Cells share nothing. */
export interface Cell {
  readonly name: string
  readonly region: string
  /** @default the account of the credentials that deploy */
  readonly account?: string
}

/** Who owns something, who pays for it, and how it has to be treated. */
export interface Ownership {
  readonly owner: string
  readonly domain: string
  readonly tier: 1 | 2 | 3
  readonly costCenter: string
  readonly dataClassification: string
}

/** A reason to query: who pays, and how much one query may read, is settled by purpose. */
export interface QueryPurpose {
  readonly name: string
  readonly description: string
  /** A query that would read more is stopped. Athena knows no limit below 10 MB. */
  readonly scanLimitBytes: number
}

/** Purposes that every cell has: commands and saved queries name them. */
export const REQUIRED_PURPOSES = ['analysts', 'operations'] as const

const PURPOSE = /^[a-z][a-z0-9]{0,31}$/
const LEAST_SCAN_LIMIT_BYTES = 10_000_000

const REGION = /^[a-z]{2,3}(-[a-z]+)+-[1-9]$/
const CELL_NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/
const NAMESPACE = /^[a-z][a-z0-9]{0,15}$/
const ACCOUNT = /^[0-9]{12}$/
/** A tag value as AWS takes it, and never an empty one. */
const TAG_VALUE = /^[\p{L}\p{N} _.:/=+\-@]{1,256}$/u

const DEFAULTS: Topology = {
  namespace: 'weir',
  environment: 'dev',
  platform: {
    owner: 'data-platform',
    domain: 'platform',
    // A cell's keys and catalog carry every product of it, so they count as the most important of them.
    tier: 1,
    costCenter: 'data-platform',
    dataClassification: 'confidential',
  },
  cells: [cellOf('us-east-1'), cellOf('eu-west-1')],
  purposes: [
    {
      name: 'analysts',
      description: 'Questions that people ask of the data',
      // Five cents.
      scanLimitBytes: 10_000_000_000,
    },
    {
      name: 'operations',
      description: 'Counts and proofs over whole tables, such as weir reconcile',
      // Five dollars.
      scanLimitBytes: 1_000_000_000_000,
    },
  ],
  disposable: false,
}

/** A cell named like its region: the usual case, one cell to a region. */
export function cellOf(region: string): Cell {
  return { name: region, region }
}

/** The topology with its defaults; throws if it could not be deployed or told apart. */
export function defineTopology(given: Partial<Topology> = {}): Topology {
  const topology = { ...DEFAULTS, ...given }
  check('namespace', topology.namespace, NAMESPACE, 'up to 16 lower-case letters and digits')
  check('environment', topology.environment, TAG_VALUE, 'a tag value such as "dev" or "prod"')
  for (const [name, value] of Object.entries(topology.platform)) {
    check(`platform.${name}`, String(value), TAG_VALUE, 'a tag value')
  }
  if (topology.cells.length === 0)
    throw new Error('topology has no cells: name at least one region')
  for (const cell of topology.cells) {
    check('cell name', cell.name, CELL_NAME, 'lower-case words joined by "-", as in "eu-west-1"')
    check(`region of cell "${cell.name}"`, cell.region, REGION, 'an AWS region such as "eu-west-1"')
    if (cell.account !== undefined) {
      check(`account of cell "${cell.name}"`, cell.account, ACCOUNT, '12 digits')
    }
  }
  refuseTwins(topology.cells)
  checkPurposes(topology.purposes)
  return topology
}

function checkPurposes(purposes: readonly QueryPurpose[]): void {
  const names = purposes.map((purpose) => purpose.name)
  for (const { name, scanLimitBytes } of purposes) {
    check('query purpose', name, PURPOSE, 'up to 32 lower-case letters and digits')
    if (names.filter((other) => other === name).length > 1) {
      throw new Error(`query purpose "${name}" is stated twice: state each once`)
    }
    if (!Number.isSafeInteger(scanLimitBytes) || scanLimitBytes < LEAST_SCAN_LIMIT_BYTES) {
      throw new Error(
        `query purpose "${name}" may scan ${scanLimitBytes} bytes: write at least ${LEAST_SCAN_LIMIT_BYTES}, the least that Athena takes`,
      )
    }
  }
  for (const name of REQUIRED_PURPOSES) {
    if (!names.includes(name)) throw new Error(`no query purpose "${name}": every cell has one`)
  }
}

function refuseTwins(cells: readonly Cell[]): void {
  for (const [index, cell] of cells.entries()) {
    for (const other of cells.slice(0, index)) {
      if (cell.name === other.name) {
        throw new Error(`two cells are named "${cell.name}": name each cell once`)
      }
      // The Glue database is named, and named alike everywhere: a region has room for one.
      const sharesAccount =
        cell.account === undefined || other.account === undefined || cell.account === other.account
      if (cell.region === other.region && sharesAccount) {
        throw new Error(
          `cells "${other.name}" and "${cell.name}" share ${cell.region}: give each its own region or account`,
        )
      }
    }
  }
}

function check(what: string, value: string, pattern: RegExp, expected: string): void {
  if (!pattern.test(value)) throw new Error(`${what}: "${value}" must be ${expected}`)
}
