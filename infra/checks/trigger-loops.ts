import { FUNCTIONS, type FunctionDescription } from '../../functions/functions.ts';
import { PREFIX } from '../../functions/objects/prefix.ts';

type Trigger = Pick<FunctionDescription, 'objectsCreated'>;

/**
 * Refuses a deployment that writes under a prefix that starts a function, because it would start itself in a loop.
 * Includes the prefixes of the output bucket, which may be the same bucket as the input bucket.
 * @throws {Error} Names both prefixes and the remedy.
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
              'each object written there would start the function again. Choose prefixes that do not overlap.',
          );
  }
}
