import { beforeEach, describe, expect, it, vi } from 'vitest';
import { callbackUrl } from '../../functions/generation/callback-url.ts';
import { log } from '../../functions/log.ts';
import { WiroError } from '../../functions/wiro/errors.ts';
import { confirmHint, type SearchedRun, searchTask } from '../../functions/wiro/search-task.ts';
import type { Task, TaskPage, WiroClient } from '../../functions/wiro/types.ts';
import { at } from '../generation/examples.ts';

beforeEach(() => {
  vi.spyOn(log, 'warn').mockReturnValue(undefined);
});

const generationId = 'abcdefghijklmnopqrstuvwxyz';
const run: SearchedRun = {
  deployment: 'shop',
  generationId,
  attempt: 1,
  startedAt: at(1_000),
  marginMs: 300_000,
};
const urlOf = (over: { deployment?: string; generationId?: string; attempt?: number } = {}) =>
  callbackUrl('https://cb.example/a', { deployment: 'shop', generationId, attempt: 1, ...over }, 'secret');
const FOREIGN = 'https://example.com/hook';

/** Made at a second of the day; with somebody else's callback URL unless told otherwise. */
const task = (id: string, seconds: number, over: Partial<Task> = {}): Task => ({
  id,
  status: 'task_start',
  end: 'unfinished',
  createdAtSeconds: Date.parse(at(seconds)) / 1_000,
  callbackUrl: FOREIGN,
  outputs: [],
  ...over,
});
const without = (name: keyof Task, { [name]: _, ...rest }: Task) => rest as Task;

/** Newest first, as Wiro lists them. */
const many = (count: number, newest: number) =>
  Array.from({ length: count }, (_, n) => task(`t${n}`, newest - n));

function listWorld(list: readonly Task[], over: Partial<Pick<WiroClient, 'task' | 'tasks'>> = {}) {
  const starts: number[] = [];
  const asked: string[] = [];
  const wiro: Pick<WiroClient, 'task' | 'tasks'> = {
    tasks: async ({ start, limit }): Promise<TaskPage> => {
      starts.push(start);
      const tasks = list.slice(start, start + limit);
      return { tasks, rows: tasks.length };
    },
    task: async (ref) => {
      const id = 'taskId' in ref ? ref.taskId : '';
      asked.push(id);
      return list.find((one) => one.id === id);
    },
    ...over,
  };
  return { wiro, starts, asked };
}

/** A list whose every page fails so often before it is answered. */
function brokenWorld(failures: number, error: Error) {
  const world = listWorld(many(120, 990));
  const tries = new Map<number, number>();
  const tasks: WiroClient['tasks'] = async (page) => {
    const count = (tries.get(page.start) ?? 0) + 1;
    tries.set(page.start, count);
    if (count <= failures) throw error;
    return world.wiro.tasks(page);
  };
  return { wiro: { ...world.wiro, tasks }, tries };
}

describe('a page that fails', () => {
  const reset = new WiroError('cutOff', 'The connection broke', { retryable: true });

  it('is asked for again: a long list is searched to its end all the same', async () => {
    const { wiro, tries } = brokenWorld(2, reset);

    expect(await searchTask(wiro, run)).toEqual({ kind: 'none' });
    expect(tries.size).toBeGreaterThan(2);
    expect(new Set(tries.values())).toEqual(new Set([3]));
  });

  it('again and again proves nothing', async () => {
    const { wiro, tries } = brokenWorld(9, reset);

    expect(await searchTask(wiro, run)).toEqual({ kind: 'unproven', why: 'Wiro could not be read' });
    expect([...tries.values()]).toEqual([4]);
  });

  it('for good is not asked for again', async () => {
    const { wiro, tries } = brokenWorld(
      9,
      new WiroError('unauthorized', 'The key is wrong', { retryable: false }),
    );

    expect((await searchTask(wiro, run)).kind).toBe('unproven');
    expect([...tries.values()]).toEqual([1]);
  });
});

describe('searching the list', () => {
  it('finds the task with our callback URL, whatever its base and secret', async () => {
    const { wiro } = listWorld([
      task('t1', 1_001),
      task('t2', 1_000, { callbackUrl: urlOf() }),
      task('t3', 999),
    ]);

    expect(await searchTask(wiro, run)).toMatchObject({ kind: 'found', task: { id: 't2' } });
  });

  it.each([
    ['attempt', { attempt: 2 }],
    ['generation', { generationId: 'b'.repeat(26) }],
    ['deployment', { deployment: 'other' }],
  ])('does not take the task of another %s', async (_, over) => {
    const { wiro } = listWorld([task('t1', 1_001, { callbackUrl: urlOf(over) })]);

    expect(await searchTask(wiro, run)).toEqual({ kind: 'none' });
  });

  it('finds nothing in an empty list', async () => {
    expect(await searchTask(listWorld([]).wiro, run)).toEqual({ kind: 'none' });
  });

  it('goes on page by page, each overlapping the last, and finds what lies on a later one', async () => {
    const list = [...many(120, 1_100), task('ours', 970, { callbackUrl: urlOf() })];
    const { wiro, starts } = listWorld(list);

    expect(await searchTask(wiro, run)).toMatchObject({ kind: 'found', task: { id: 'ours' } });
    expect(starts).toEqual([0, 45, 90]);
  });

  it.each([1, 2, 5, 7, 20])('reads on when Wiro gives only %i rows a page', async (most) => {
    const list = [...many(40, 1_100), task('ours', 1_000, { callbackUrl: urlOf() })];
    const short = (rows: readonly Task[]) => ({
      tasks: async ({ start }: { start: number }) => {
        const tasks = rows.slice(start, start + most);
        return { tasks, rows: tasks.length };
      },
    });

    const found = await searchTask(listWorld(list, short(list)).wiro, run);
    const none = await searchTask(listWorld([], short(many(40, 1_100))).wiro, run);

    // One row a page overlaps with nothing: it may be found, but never ruled out.
    expect(found.kind).toBe('found');
    expect(none.kind).toBe(most === 1 ? 'unproven' : 'none');
  });

  it('does not take a page of rows that it has seen for the end: new tasks pushed them down', async () => {
    const list = [...many(60, 1_100), task('ours', 1_000, { callbackUrl: urlOf() })];
    const grown = [...Array.from({ length: 45 }, (_, n) => task(`new${n}`, 1_200)), ...list];
    let calls = 0;
    const { wiro } = listWorld(list, {
      tasks: async ({ start, limit }) => {
        const tasks = (calls++ === 0 ? list : grown).slice(start, start + limit);
        return { tasks, rows: tasks.length };
      },
    });

    expect(await searchTask(wiro, run)).toMatchObject({ kind: 'found', task: { id: 'ours' } });
  });

  it('misses nothing when new tasks push the rows down while it reads', async () => {
    const list = [...many(60, 1_100), task('ours', 1_000, { callbackUrl: urlOf() })];
    const grown = [...Array.from({ length: 30 }, (_, n) => task(`new${n}`, 1_200)), ...list];
    let calls = 0;
    const { wiro } = listWorld(list, {
      tasks: async ({ start, limit }) => {
        const tasks = (calls++ === 0 ? list : grown).slice(start, start + limit);
        return { tasks, rows: tasks.length };
      },
    });

    expect(await searchTask(wiro, run)).toMatchObject({ kind: 'found', task: { id: 'ours' } });
  });

  it('proves nothing when two pages do not overlap: rows moved up, and some were never seen', async () => {
    const list = many(200, 1_100);
    const { wiro } = listWorld(list, {
      tasks: async ({ start, limit }) => {
        const tasks = list.slice(start * 2, start * 2 + limit);
        return { tasks, rows: tasks.length };
      },
    });

    expect(await searchTask(wiro, run)).toEqual({ kind: 'unproven', why: 'two pages did not overlap' });
  });

  it('ends with tasks older than five minutes before the Run, and a second for the clock', async () => {
    // Second 700 is five minutes before; Wiro's seconds are whole.
    const atEdge = listWorld([...many(49, 1_100), task('edge', 699, { callbackUrl: urlOf() })]);
    const beyond = listWorld([
      ...many(49, 1_100),
      task('old', 698, { callbackUrl: urlOf() }),
      ...many(50, 600),
    ]);

    expect((await searchTask(atEdge.wiro, run)).kind).toBe('found');
    expect(await searchTask(beyond.wiro, run)).toEqual({ kind: 'none' });
    expect(beyond.starts).toEqual([0]);
  });

  it('asks for a row that shows no callback URL, whose detail may show it', async () => {
    const row = without('callbackUrl', task('t1', 1_001));
    const { wiro, asked } = listWorld([row], { task: async () => ({ ...row, callbackUrl: urlOf() }) });

    expect(await searchTask(wiro, run)).toMatchObject({ kind: 'found', task: { id: 't1' } });
    expect(asked).toEqual([]);
  });

  it.each([
    ['no callback URL', without('callbackUrl', task('t1', 1_001))],
    ['an empty one', task('t1', 1_001, { callbackUrl: '' })],
  ])('proves nothing when a row of that time shows %s', async (_, row) => {
    const { wiro } = listWorld([task('t0', 1_002), row]);

    expect(await searchTask(wiro, run)).toEqual({
      kind: 'unproven',
      why: 'a task of that time shows no callback URL',
    });
  });

  it('looks at a row that does not say when it was made', async () => {
    const row = without('createdAtSeconds', task('t1', 0, { callbackUrl: urlOf() }));

    expect((await searchTask(listWorld([row]).wiro, run)).kind).toBe('found');
  });

  it('does not mind rows without a callback URL that are too old to be ours', async () => {
    const { wiro } = listWorld([task('t1', 1_001), without('callbackUrl', task('t2', 100))]);

    expect(await searchTask(wiro, run)).toEqual({ kind: 'none' });
  });

  it('proves nothing when a row could not be read', async () => {
    const { wiro } = listWorld([], { tasks: async () => ({ tasks: [task('t1', 1_001)], rows: 2 }) });

    expect(await searchTask(wiro, run)).toEqual({ kind: 'unproven', why: 'a row could not be read' });
  });

  it.each([0, 1])('proves nothing when page %d cannot be read', async (failing) => {
    const list = many(100, 1_100);
    let page = 0;
    const { wiro } = listWorld(list, {
      tasks: async ({ start, limit }) => {
        if (page++ === failing) throw new Error('503');
        return { tasks: list.slice(start, start + limit), rows: 50 };
      },
    });

    expect(await searchTask(wiro, run)).toEqual({ kind: 'unproven', why: 'Wiro could not be read' });
  });

  it('gives up after two hundred pages, and says that this proves nothing', async () => {
    let calls = 0;
    const { wiro } = listWorld([], {
      tasks: async ({ start }) => {
        calls += 1;
        return { tasks: Array.from({ length: 50 }, (_, n) => task(`t${start + n}`, 1_001)), rows: 50 };
      },
    });

    expect(await searchTask(wiro, run)).toMatchObject({ kind: 'unproven' });
    expect(calls).toBe(200);
  });
});

describe('a hint', () => {
  const hinted = { ...run, hintedTaskId: 'h1' };

  it.each([
    ['shows our callback URL', task('h1', 1_001, { callbackUrl: urlOf() }), 'h1'],
    ['shows none', without('callbackUrl', task('h1', 1_001)), 'h1'],
    ["shows somebody else's", task('h1', 1_001), undefined],
    ['shows that of another attempt', task('h1', 1_001, { callbackUrl: urlOf({ attempt: 2 }) }), undefined],
    ['is older than the Run', task('h1', 600, { callbackUrl: urlOf() }), undefined],
  ])('is confirmed or not by its task, which %s', async (_, found, id) => {
    const { wiro } = listWorld([found]);

    expect((await confirmHint(wiro, hinted))?.id).toBe(id);
  });

  it('at a task that does not exist is no task', async () => {
    expect(await confirmHint(listWorld([]).wiro, hinted)).toBeUndefined();
  });

  it('that is confirmed saves the search', async () => {
    const { wiro, starts } = listWorld([task('h1', 1_001, { callbackUrl: urlOf() })]);

    expect(await searchTask(wiro, hinted)).toMatchObject({ kind: 'found', task: { id: 'h1' } });
    expect(starts).toEqual([]);
  });

  it('that is wrong leads to a search all the same', async () => {
    const { wiro } = listWorld([task('h1', 1_002), task('t1', 1_001, { callbackUrl: urlOf() })]);

    expect(await searchTask(wiro, hinted)).toMatchObject({ kind: 'found', task: { id: 't1' } });
  });

  it('that cannot be looked at proves nothing', async () => {
    const { wiro } = listWorld([], { task: () => Promise.reject(new Error('503')) });

    expect(await searchTask(wiro, hinted)).toEqual({ kind: 'unproven', why: 'Wiro could not be read' });
  });
});
