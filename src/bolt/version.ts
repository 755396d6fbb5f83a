/** File versions that boltq reads and writes back, oldest first. */
export const BOLT_VERSIONS = [20201120, 20211021, 20220126, 20220817, 20220831] as const;

/** 20201120 is Bolt 1.2.1, 20220126 is 1.3.0, 20220831 is 1.5.x. */
export type BoltVersion = (typeof BOLT_VERSIONS)[number];

/** What Bolt's newest tools write. */
export const NEWEST_BOLT_VERSION: BoltVersion = 20220831;

export function isBoltVersion(version: number): version is BoltVersion {
  return (BOLT_VERSIONS as readonly number[]).includes(version);
}
