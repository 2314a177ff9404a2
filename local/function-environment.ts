import { FUNCTIONS, type FunctionName } from '../functions/functions.ts';
import { ENV } from '../functions/settings.ts';

type Settings = Partial<Readonly<Record<keyof typeof ENV, string>>>;

/** What one function is told: of all settings those that its description names. */
export function functionEnvironment(name: FunctionName, settings: Settings): Record<string, string> {
  return Object.fromEntries(
    FUNCTIONS[name].environment.flatMap((setting) => {
      const value = settings[setting];
      return value === undefined ? [] : [[ENV[setting], value]];
    }),
  );
}
