import { Stack, Token } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { ConfigurationError } from './configuration-error.ts';

/** Names that two deployments beside each other must not share, by the property that gives them. */
export type OwnNames = Readonly<Record<string, string>>;

const WHY: Readonly<Record<string, string>> = {
  deployment: 'their generations would have the same ids',
  credentials: 'both write where their callbacks go under that path',
  table: 'each would take up the other’s generations',
  inputBucket: 'each file would be requested, and charged, twice',
  eventBus: 'each "Generation Requested" would be run, and charged, twice',
  namePrefix: 'their buses would have the same name',
  'namePrefix, as the input bucket spells it,': 'their input buckets would have the same name',
};

const registry = new WeakMap<IConstruct, Map<IConstruct, OwnNames>>();

/**
 * Refuses a second deployment of the app that shares what must be its own. Stacks whose account and region are
 * only known at deployment may be apart: they are not compared.
 * @throws {ConfigurationError}
 */
export function refuseTwins(scope: IConstruct, names: OwnNames): void {
  const others = registry.get(scope.node.root) ?? new Map<IConstruct, OwnNames>();
  registry.set(scope.node.root, others);
  for (const [other, theirs] of others) {
    if (!areSurelyTogether(Stack.of(scope), Stack.of(other))) continue;
    for (const [name, value] of Object.entries(names))
      if (theirs[name] === value)
        throw new ConfigurationError(
          scope,
          `${name} is that of ${other.node.path} too: ${WHY[name]}. Give each one of its own.`,
        );
  }
  others.set(scope, names);
}

function areSurelyTogether(one: Stack, other: Stack): boolean {
  if (one === other) return true;
  const isKnown = ![one.region, one.account].some((value) => Token.isUnresolved(value));
  return isKnown && one.environment === other.environment;
}
