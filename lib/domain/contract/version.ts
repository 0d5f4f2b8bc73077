const VERSION = /^(?:0|[1-9]\d{0,5})(?:\.(?:0|[1-9]\d{0,5})){2}$/

/** Whether this is a contract's version: `major.minor.patch`, as semver.org has it, without suffixes. */
export function isVersion(text: string): boolean {
  return VERSION.test(text)
}

/** Negative if the first is the older one. By number: 1.10.0 is newer than 1.9.0. */
export function compareVersions(left: string, right: string): number {
  const [a, b] = [left.split('.').map(Number), right.split('.').map(Number)]
  const differing = a.findIndex((part, at) => part !== b[at])
  return differing === -1 ? 0 : a[differing]! - b[differing]!
}

/** Versions of one major are compatible with each other: they share a table. */
export function majorOf(version: string): number {
  return Number(version.split('.', 1)[0])
}

export type VersionPart = 'major' | 'minor' | 'patch'

/** The version to write after this one, where that part has to grow. */
export function nextVersion(version: string, part: VersionPart): string {
  const [major, minor, patch] = version.split('.').map(Number) as [number, number, number]
  switch (part) {
    case 'major':
      return `${major + 1}.0.0`
    case 'minor':
      return `${major}.${minor + 1}.0`
    case 'patch':
      return `${major}.${minor}.${patch + 1}`
  }
}
