import { FUNCTIONS, type FunctionName } from '../functions/functions.ts';
import { ENV } from '../functions/settings.ts';

type Settings = Partial<Readonly<Record<keyof typeof ENV, string>>>;

/** Builds a function's environment variables: the settings that its description lists. */
export function functionEnvironment(name: FunctionName, settings: Settings): Record<string, string> {
  return Object.fromEntries(
    FUNCTIONS[name].environment.flatMap((setting) => {
      const value = settings[setting];
      return value === undefined ? [] : [[ENV[setting], value]];
    }),
  );
}
