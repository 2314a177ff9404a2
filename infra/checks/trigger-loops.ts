import { FUNCTIONS, type FunctionDescription } from '../../functions/functions.ts';
import { PREFIX } from '../../functions/objects/prefix.ts';

type Trigger = Pick<FunctionDescription, 'objectsCreated'>;

/**
 * Refuses a deployment that would feed itself: whatever is written under a trigger's prefix starts a function again.
 * The output bucket counts too, since a deployment may be given one bucket for both.
 * @throws {Error} With the two prefixes, and what to change.
 */
export function refuseTriggerLoops(
  prefixes: Readonly<Record<keyof typeof PREFIX, string>> = PREFIX,
  functions: Readonly<Record<string, Trigger>> = FUNCTIONS,
): void {
  const { requests: _, uploads: __, ...written } = prefixes;
  for (const [name, { objectsCreated }] of Object.entries(functions)) {
    for (const trigger of objectsCreated ?? [])
      for (const [kind, prefix] of Object.entries(written))
        if (prefix.startsWith(trigger.prefix) || trigger.prefix.startsWith(prefix))
          throw new Error(
            `The prefix "${prefix}" for ${kind} overlaps "${trigger.prefix}", which starts "${name}": ` +
              'each object written there would start it again. Choose prefixes of which none begins with another.',
          );
  }
}
