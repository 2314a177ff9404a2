import { Stack, Token } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { ConfigurationError } from './configuration-error.ts';

/** Names that two deployments in one account and region must not share, keyed by property. */
export type OwnNames = Readonly<Record<string, string>>;

const WHY: Readonly<Record<string, string>> = {
  deployment: 'their generations would have the same ids',
  "the credentials' path": 'both would write their callback URL to the same parameter',
  table: 'each would run the other’s generations',
  inputBucket: 'each file would be run, and charged, twice',
  eventBus: 'each "Generation Requested" would be run, and charged, twice',
  namePrefix: 'their buses would have the same name',
  "the input bucket's name (from namePrefix)": 'their input buckets would have the same name',
};

const registry = new WeakMap<IConstruct, Map<IConstruct, OwnNames>>();

/**
 * Refuses a second deployment in the app that shares a name with the first. Does not compare stacks whose account or
 * region is only known at deployment, because they may differ.
 * @throws {ConfigurationError}
 */
export function refuseSharedNames(scope: IConstruct, names: OwnNames): void {
  const others = registry.get(scope.node.root) ?? new Map<IConstruct, OwnNames>();
  registry.set(scope.node.root, others);
  for (const [other, theirs] of others) {
    if (!areInOnePlace(Stack.of(scope), Stack.of(other))) continue;
    for (const [name, value] of Object.entries(names))
      if (theirs[name] === value)
        throw new ConfigurationError(
          scope,
          `${name} is also used by ${other.node.path}: ${WHY[name]}. Give each deployment its own.`,
        );
  }
  others.set(scope, names);
}

/** Whether both stacks are known to have the same account and region. */
function areInOnePlace(one: Stack, other: Stack): boolean {
  if (one === other) return true;
  const isKnown = ![one.region, one.account].some((value) => Token.isUnresolved(value));
  return isKnown && one.environment === other.environment;
}
