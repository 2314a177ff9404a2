import type { RunResult } from './run-script.ts';
import type { Course, Script } from './script.ts';

/** What was wrong in a run, for a person: the script without what is right in it, states, the last lines. */
export function describeRun(script: Script, { broken, system, days }: RunResult): string {
  const ids = new Set(broken.map(({ id }) => id));
  const stories = [...system.items]
    .filter(([name]) => [...ids].some((id) => name.startsWith(`generation#${id} `)) || name === 'gate gate')
    .map(([name, item]) => `  ${name}: ${show(item)}`);
  const thrown = system.lines.filter(({ level }) => level === 'THROWN').slice(-3);
  const lines = [...ids].flatMap((id) => {
    const some = system.lines.filter(({ facts }) => facts.generationId === id).slice(-10);
    return some.map(
      ({ at, from, level, message, facts: { generationId: _, ...facts } }) =>
        `  ${new Date(at).toISOString()} ${from} ${level} ${message} ${show(facts)}`,
    );
  });
  const tasks = system.wiro.tasks
    .filter(({ isStrangers }) => !isStrangers)
    .map(
      (task) =>
        `  ${task.id} ${system.wiro.statusOf(task)} ${task.callbackUrl.slice(-96, -65)} ${show(task.story)}`,
    );
  return [
    ...broken.map(({ id, why }) => `✗ ${id} ${why}`),
    `after ${days.toFixed(2)} days and ${system.kills} kills`,
    'script:',
    ...describeScript(script).map((line) => `  ${line}`),
    'items:',
    ...stories,
    'tasks:',
    ...tasks,
    'last lines:',
    ...lines,
    ...thrown.map(({ from, message }) => `  ${from} threw ${message}`),
  ].join('\n');
}

function describeScript(script: Script): string[] {
  return Object.entries(script).flatMap(([name, part]: [string, unknown]) => {
    if (isCourse(part)) {
      const isRight = [...part.first, ...part.ever].every(
        (one) => show(one) === '{"kind":"right"}' || one === 'right',
      );
      return isRight
        ? []
        : [
            `${name}: ${part.first.map(show).join(', ')}${part.first.length ? ', ' : ''}for ever ${part.ever.map(show).join(', ')}`,
          ];
    }
    if (Array.isArray(part) && part.every((one) => one === 'right')) return [];
    return [`${name}: ${show(part)}`];
  });
}

const isCourse = (part: unknown): part is Course<unknown> =>
  typeof part === 'object' && part !== null && 'ever' in part;

const show = (value: unknown): string =>
  JSON.stringify(value, (_name, part: unknown) => (part instanceof Set ? [...part] : part));
