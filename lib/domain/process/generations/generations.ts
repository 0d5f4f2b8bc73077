import type { ContractVersions } from '#lib/domain/contract/contract-versions.ts'
import { majorOf } from '#lib/domain/contract/version.ts'
import type { Micros } from '#lib/domain/kernel/time.ts'
import {
  contractOfView,
  definitionHash,
  FIRST_GENERATION,
  stateNameOf,
  type ViewDefinition,
} from '../view.ts'

/**
 * Which sets of states, tables and late rows a product has, and which of them readers are answered from. One document,
 * replaced as a whole and only as it was read: who reads it once sees all of one generation or all of another.
 */
export interface Generations {
  /** Who answers. */
  readonly live: string
  readonly byName: Readonly<Record<string, Generation>>
  /** How it came to be live, oldest first; the last {@link MOST_SWITCHES}. */
  readonly switches: readonly Switch[]
}

export interface Generation {
  /**
   * `replaying`: behind the journal's head, and fed by the replay only; `following`: fed with the stream, like the first;
   * `dropped`: on its way out or gone. A name is never used again: a straggler may still write under it.
   */
  readonly state: 'replaying' | 'following' | 'dropped'
  /**
   * What it computes, whatever is deployed. Of the first generation: what was deployed when the functions first heard of
   * another one; absent until they have.
   */
  readonly views?: readonly ViewDefinition[]
  /** It holds the panes that start at or after this. @default all */
  readonly from?: Micros
  /** Windows that end at or before this are held against those of another generation. */
  readonly to?: Micros
  readonly createdAtMs: number
  /** When the replay had reached the journal's head. */
  readonly caughtUpAtMs?: number
}

export interface Switch {
  readonly from: string
  readonly to: string
  readonly atMs: number
  /** Why somebody switched to one that was incomplete. */
  readonly reason?: string
}

export const MOST_SWITCHES = 50

/** A set of states with the views it computes. */
export interface GenerationScope {
  /** As the engine calls it: undefined for the first. */
  readonly generation?: string
  readonly from?: Micros
  readonly views: readonly ViewDefinition[]
}

/** What a view is answered from. */
export interface ServingView extends Omit<GenerationScope, 'views'> {
  readonly view: ViewDefinition
}

/** As the engine and its tables call a generation: the first has no name there. */
export function engineName(generation: string): { readonly generation?: string } {
  return generation === FIRST_GENERATION ? {} : { generation }
}

/** The product as it is deployed: its contracts, and the views as the functions were given them. */
export interface DeployedViews {
  readonly contracts: ContractVersions
  readonly views: readonly ViewDefinition[]
}

/** The view by which somebody asks for a name is answered; undefined if there is none. */
export function servingView(
  generations: Generations | undefined,
  deployed: DeployedViews,
  name: string,
): ServingView | undefined {
  const own = deployed.views.find((one) => one.name === name)
  const held = heldByLive(generations, own, name)
  if (held !== undefined) {
    const { from } = generations!.byName[generations!.live]!
    return {
      ...engineName(generations!.live),
      ...(from === undefined ? {} : { from }),
      view: withSettings(held, deployed),
    }
  }
  const view = own ?? pinnedOf(generations).find((one) => one.name === name)
  return view === undefined ? undefined : { view: pinned(view, generations, deployed) }
}

/** Which sets of states go on with the stream, the live one first. */
export function fedScopes(
  generations: Generations | undefined,
  deployed: DeployedViews,
): readonly GenerationScope[] {
  if (generations === undefined) return [{ views: deployed.views }]
  const names = Object.keys(generations.byName).filter(
    (name) => name === generations.live || generations.byName[name]!.state !== 'replaying',
  )
  const ordered = [generations.live, ...names.filter((name) => name !== generations.live)]
  return ordered
    .map((name) => scopeOf(generations, deployed, name))
    .filter((scope) => scope.views.length > 0)
}

/** The views of one generation, as they are fed. Of one that was dropped only what nobody else answers. */
export function scopeOf(
  generations: Generations | undefined,
  deployed: DeployedViews,
  name: string,
): GenerationScope {
  const known = generations?.byName[name]
  if (name === FIRST_GENERATION) {
    return { views: viewsOfFirst(generations, deployed) }
  }
  if (known === undefined || known.state === 'dropped') return { generation: name, views: [] }
  const { from, views = [] } = known
  return {
    generation: name,
    ...(from === undefined ? {} : { from }),
    views: views.map((view) => withSettings(view, deployed)),
  }
}

function viewsOfFirst(
  generations: Generations | undefined,
  deployed: DeployedViews,
): readonly ViewDefinition[] {
  const first = generations?.byName[FIRST_GENERATION]
  if (generations === undefined || first === undefined) return deployed.views
  const known = pinnedOf(generations)
  if (generations.live === FIRST_GENERATION) {
    return deployed.views.map((view) => pinned(view, generations, deployed))
  }
  const isAnswered = ({ name }: ViewDefinition) => {
    const own = deployed.views.find((one) => one.name === name)
    return heldByLive(generations, own, name) !== undefined
  }
  const kept = first.state === 'dropped' ? known.filter((view) => !isAnswered(view)) : known
  const isKnown = (view: ViewDefinition) =>
    known.some((one) => stateNameOf(one) === stateNameOf(view))
  const others = deployed.views.filter((view) => !isKnown(view) && !isAnswered(view))
  return [...kept.map((view) => withSettings(view, deployed)), ...others]
}

/** What the live generation, unless it is the first, holds under this name: not of an older version than is deployed. */
function heldByLive(
  generations: Generations | undefined,
  own: ViewDefinition | undefined,
  name: string,
): ViewDefinition | undefined {
  if (generations === undefined || generations.live === FIRST_GENERATION) return undefined
  const { views = [] } = generations.byName[generations.live]!
  const held = views.find((one) => one.name === name)
  if (held === undefined || (held.version ?? 1) < (own?.version ?? 1)) return undefined
  return held
}

function pinnedOf(generations: Generations | undefined): readonly ViewDefinition[] {
  return generations?.byName[FIRST_GENERATION]?.views ?? []
}

/** The view as the first generation's states were begun with, if that was written down. */
function pinned(
  view: ViewDefinition,
  generations: Generations | undefined,
  deployed: DeployedViews,
): ViewDefinition {
  const known = pinnedOf(generations).find((one) => stateNameOf(one) === stateNameOf(view))
  return known === undefined ? view : withSettings(known, deployed)
}

/** What does not change states goes by what is deployed: how fresh, how often, what it is about. */
function withSettings(view: ViewDefinition, deployed: DeployedViews): ViewDefinition {
  const own = deployed.views.find((one) => stateNameOf(one) === stateNameOf(view))
  if (own === undefined || !isSameView(view, own, deployed.contracts)) return view
  const { updateSeconds: _, serving: __, ...rest } = view
  const { description, freshnessSeconds, updateSeconds, serving } = own
  return {
    ...rest,
    description,
    freshnessSeconds,
    ...(updateSeconds === undefined ? {} : { updateSeconds }),
    ...(serving === undefined ? {} : { serving }),
  }
}

/** The view as it reads today: the next major of the contract must not change what its states are made of. */
export function boundToMajor(view: ViewDefinition, contracts: ContractVersions): ViewDefinition {
  return { ...view, major: majorOf(contractOfView(view, contracts).version) }
}

/** Whether states of the two mean the same. */
export function isSameView(
  a: ViewDefinition,
  b: ViewDefinition,
  contracts: ContractVersions,
): boolean {
  return definitionOf(a, contracts) === definitionOf(b, contracts)
}

export function definitionOf(view: ViewDefinition, contracts: ContractVersions): string {
  return definitionHash(view, contractOfView(view, contracts))
}
