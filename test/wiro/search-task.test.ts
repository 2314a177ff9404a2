import { beforeEach, describe, expect, it, vi } from 'vitest';
import { callbackUrl } from '../../functions/generation/callback-url.ts';
import { log } from '../../functions/runtime/log.ts';
import { confirmHint } from '../../functions/wiro/confirm-task.ts';
import { WiroError } from '../../functions/wiro/errors.ts';
import { type SearchedRun, type SearchedWiro, searchTask } from '../../functions/wiro/search-task.ts';
import type { Model, Task, TaskPage, WiroClient } from '../../functions/wiro/types.ts';
import { at } from '../generation/examples.ts';

beforeEach(() => {
  vi.spyOn(log, 'warn').mockReturnValue(undefined);
});

const generationId = 'abcdefghijklmnopqrstuvwxyz';
const run: SearchedRun = {
  deployment: 'shop',
  generationId,
  attempt: 1,
  model: 'wiro/flux',
  startedAt: at(1_000),
  marginMs: 300_000,
  secrets: ['secret', 'secret before'],
};
const urlOf = (
  over: { deployment?: string; generationId?: string; attempt?: number } = {},
  secret = 'secret',
  base = 'https://cb.example/a',
) => callbackUrl(base, { deployment: 'shop', generationId, attempt: 1, ...over }, secret);
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

function listWorld(list: readonly Task[], over: Partial<SearchedWiro> = {}) {
  const starts: number[] = [];
  const asked: string[] = [];
  const wiro: SearchedWiro = {
    model: async () => undefined,
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
  it('finds the task with our callback URL, among others', async () => {
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

  it('finds our task at the end of the list when rows that leave the list have pulled it up', async () => {
    const list = [task('t1', 990), task('t2', 989), task('ours', 988, { callbackUrl: urlOf() })];
    const { wiro } = listWorld(list, {
      tasks: async ({ start }) => {
        const tasks = list.slice(start, start + 2);
        if (start === 0) list.splice(0, 2);
        return { tasks, rows: tasks.length };
      },
    });

    expect(await searchTask(wiro, run)).toMatchObject({ kind: 'found', task: { id: 'ours' } });
  });

  it('proves nothing with an empty list that is said to contain tasks', async () => {
    const { wiro } = listWorld([], { tasks: async () => ({ tasks: [], rows: 0, total: 12 }) });

    expect(await searchTask(wiro, run)).toEqual({
      kind: 'unproven',
      why: 'the list shows none of its tasks',
    });
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

  it('proves nothing when a row of that time shows no callback URL', async () => {
    const { wiro } = listWorld([task('t0', 1_002), without('callbackUrl', task('t1', 1_001))]);

    expect(await searchTask(wiro, run)).toEqual({ kind: 'unproven', why: WITHOUT_URL });
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

const WITHOUT_URL = 'a task of that time shows no callback URL';

describe('a row that shows our callback URL', () => {
  it.each([
    ['the current secret', urlOf()],
    ['the secret before', urlOf({}, 'secret before')],
    ['the current secret, under a longer address', urlOf({}, 'secret', 'https://cdn.example/wiro/hooks/')],
    ['the current secret, with a query that somebody added', `${urlOf()}?from=wiro`],
  ])('signed with %s is ours', async (_, callbackUrl) => {
    const { wiro } = listWorld([task('t1', 1_001, { callbackUrl })]);

    expect(await searchTask(wiro, run)).toMatchObject({ kind: 'found', task: { id: 't1' } });
  });

  it.each([
    ['with a signature that nobody made', `https://cb.example/shop/${generationId}/1/${'0'.repeat(64)}`],
    ['of a deployment of the same name elsewhere', urlOf({}, 'the secret of another account')],
    ['cut off', urlOf().slice(0, -10)],
    ['encoded once more', encodeURIComponent(urlOf())],
  ])('%s is neither ours nor proof that there is none', async (_, callbackUrl) => {
    const { wiro } = listWorld([task('t1', 1_001, { callbackUrl })]);

    expect(await searchTask(wiro, run)).toEqual({
      kind: 'unproven',
      why: 'a task shows the callback URL of this run under a signature that is not known here',
    });
  });

  it('under another signature does not keep ours from being found', async () => {
    const { wiro } = listWorld([
      task('t1', 1_001, { callbackUrl: urlOf({}, 'another') }),
      task('t2', 1_000, { callbackUrl: urlOf() }),
    ]);

    expect(await searchTask(wiro, run)).toMatchObject({ kind: 'found', task: { id: 't2' } });
  });
});

describe('a stranger without callback URL', () => {
  const stranger = task('t1', 1_001, { callbackUrl: '' });
  const younger = task('t0', 1_002);

  it('is not ours where its detail repeats that, and a row younger than the Run shows a URL', async () => {
    const { wiro, asked } = listWorld([younger, stranger]);

    expect(await searchTask(wiro, run)).toEqual({ kind: 'none' });
    expect(asked).toEqual(['t1']);
  });

  it.each([
    ['no row shows a URL', listWorld([stranger])],
    ['only an older row shows a URL', listWorld([stranger, task('t2', 999)])],
    [
      'its detail shows no such field',
      listWorld([younger, stranger], { task: async () => without('callbackUrl', stranger) }),
    ],
    ['its detail cannot be had', listWorld([younger, stranger], { task: async () => undefined })],
    [
      'its row shows no such field',
      listWorld([younger, without('callbackUrl', stranger)], { task: async () => stranger }),
    ],
  ])('may be ours where %s', async (_, { wiro }) => {
    expect(await searchTask(wiro, run)).toEqual({ kind: 'unproven', why: WITHOUT_URL });
  });

  it('is ours where its detail shows our URL', async () => {
    const { wiro } = listWorld([younger, stranger], {
      task: async () => ({ ...stranger, callbackUrl: urlOf() }),
    });

    expect(await searchTask(wiro, run)).toMatchObject({ kind: 'found', task: { id: 't1' } });
  });
});

describe('a row without callback URL that names its model', () => {
  const row = (owner: string, project: string) => ({
    ...without('callbackUrl', task('t1', 1_001)),
    slugs: { owner, project },
  });
  const model: Model = {
    name: 'wiro/flux',
    kind: 'plain',
    slugs: [
      { owner: 'wiro', project: 'flux' },
      { owner: 'Wiro-Team', project: 'flux-1.1' },
    ],
    parameters: [],
  };
  const listed = (one: Task, over: Partial<SearchedWiro> = {}) =>
    listWorld([one], { model: async () => model, ...over }).wiro;

  it.each([
    ['google', 'veo'],
    ['wiro', 'flux-2'],
    ['google', 'flux'],
  ])('is not ours if it is %s/%s', async (owner, project) => {
    expect(await searchTask(listed(row(owner, project)), run)).toEqual({ kind: 'none' });
  });

  it.each([
    ['wiro', 'flux'],
    ['WIRO', 'Flux'],
    ['wiro-team', 'FLUX-1.1'],
    ['wiro', 'flux-1.1'],
  ])('may be ours if it is %s/%s, in whatever spelling', async (owner, project) => {
    expect(await searchTask(listed(row(owner, project)), run)).toEqual({
      kind: 'unproven',
      why: WITHOUT_URL,
    });
  });

  it.each([
    ['knows no such model', async () => undefined],
    ['does not answer', () => Promise.reject(new Error('503'))],
  ])('may be ours where Wiro %s: then its spellings are not known', async (_, ask) => {
    expect((await searchTask(listed(row('google', 'veo'), { model: ask }), run)).kind).toBe('unproven');
  });

  it('has our spellings asked for once, however many rows there are', async () => {
    let asked = 0;
    const rows = Array.from({ length: 40 }, (_, n) => ({ ...row('google', 'veo'), id: `t${n}` }));
    const { wiro } = listWorld(rows, {
      model: async () => {
        asked += 1;
        return model;
      },
    });

    expect(await searchTask(wiro, run)).toEqual({ kind: 'none' });
    expect(asked).toBe(1);
  });
});

describe('a page that is too large', () => {
  /** A page of more than so many rows is too large. */
  const sized = (list: readonly Task[], most: number) => {
    const limits: number[] = [];
    const { wiro } = listWorld(list);
    const tasks: WiroClient['tasks'] = async (page) => {
      limits.push(page.limit);
      if (page.limit > most) throw new WiroError('tooLarge', 'Too large');
      return wiro.tasks(page);
    };
    return { wiro: { ...wiro, tasks }, limits };
  };

  it('is asked for by halves, which are enough to find our task or to rule it out', async () => {
    const ours = sized([...many(40, 1_100), task('ours', 1_000, { callbackUrl: urlOf() })], 12);
    const none = sized(many(40, 1_100), 12);

    expect(await searchTask(ours.wiro, run)).toMatchObject({ kind: 'found', task: { id: 'ours' } });
    expect(await searchTask(none.wiro, run)).toEqual({ kind: 'none' });
    expect(ours.limits.slice(0, 4)).toEqual([50, 25, 12, 12]);
  });

  it('is asked for down to one row', async () => {
    const { wiro } = sized([task('t1', 1_001), task('ours', 1_000, { callbackUrl: urlOf() })], 1);

    expect(await searchTask(wiro, run)).toMatchObject({ kind: 'found', task: { id: 'ours' } });
  });

  it('though it is one row proves nothing', async () => {
    expect(await searchTask(sized([task('t1', 1_001)], 0).wiro, run)).toEqual({
      kind: 'unproven',
      why: 'Wiro could not be read',
    });
  });
});

describe('a task that was found', () => {
  const ours = (id: string, seconds: number) => task(id, seconds, { callbackUrl: urlOf() });
  const list = [
    ...many(60, 1_100),
    ours('first', 1_000),
    ...many(60, 990).map((one) => ({ ...one, id: `b${one.id}` })),
    ours('second', 900),
  ];

  it('is answered before the rest of the window is read, in which others of the same Run are found', async () => {
    const { wiro, starts } = listWorld(list);

    const found = await searchTask(wiro, run);
    const before = starts.length;
    if (found.kind !== 'found') throw new Error('It should be found');

    expect(found.task.id).toBe('first');
    expect(await found.findOthers(() => true)).toEqual(['second']);
    expect(starts.length).toBeGreaterThan(before);
  });

  it('by a hint has the others found as well', async () => {
    const { wiro, starts } = listWorld(list);

    const found = await searchTask(wiro, { ...run, hintedTaskId: 'second' });
    if (found.kind !== 'found') throw new Error('It should be found');

    expect([found.task.id, starts]).toEqual(['second', []]);
    expect(await found.findOthers(() => true)).toEqual(['first']);
  });

  it('stays found when the rest cannot be read, or there is no time for it', async () => {
    let pages = 0;
    const { wiro } = listWorld(list);
    const tasks: WiroClient['tasks'] = async (page) => {
      pages += 1;
      if (pages > 2) throw new Error('503');
      return wiro.tasks(page);
    };
    const found = await searchTask({ ...wiro, tasks }, run);
    if (found.kind !== 'found') throw new Error('It should be found');

    expect(await found.findOthers(() => false)).toEqual([]);
    expect(pages).toBe(2);
    expect(await found.findOthers(() => true)).toEqual([]);
  });
});

describe('a hint', () => {
  const hinted = { ...run, hintedTaskId: 'h1' };

  it.each([
    ['shows our callback URL', task('h1', 1_001, { callbackUrl: urlOf() }), 'h1'],
    ['shows none', without('callbackUrl', task('h1', 1_001)), 'h1'],
    ["shows somebody else's", task('h1', 1_001), undefined],
    [
      'shows ours under a signature that is not known',
      task('h1', 1_001, { callbackUrl: urlOf({}, 'another') }),
      undefined,
    ],
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
