import { logIgnored } from '../runtime/log-ignored.ts';
import { judgeUrl, type OurCallback } from './confirm-task.ts';
import { retryRead } from './retry-read.ts';
import { isYounger, type SentRun } from './task-age.ts';
import type { ModelName, Slugs, Task, WiroClient } from './types.ts';

/** Decides of each row in Wiro's list whether it is the task of one Run. */
export interface RowJudge {
  isOurs(row: Task): Promise<boolean>;
  /** Why one of the rows so far may be ours after all. `undefined` if none can be. */
  doubt(): string | undefined;
}

const DOUBT = {
  withoutUrl: 'a task of that time shows no callback URL',
  unknownSignature: 'a task shows the callback URL of this run under a signature that is not known here',
} as const;

type Verdict = 'ours' | 'notOurs' | keyof typeof DOUBT;

/** Rows without a callback URL to look up one by one: the details may show it. */
const MOST_DETAILS = 25;

export function createRowJudge(
  wiro: Pick<WiroClient, 'task' | 'model'>,
  run: OurCallback & SentRun & { readonly model: ModelName },
): RowJudge {
  const ourSlugs = createOurSlugs(wiro, run.model);
  let firstDoubt: string | undefined;
  let details = 0;
  let hasYoungerUrl = false;
  let hasEmptyUrl = false;

  async function judge(row: Task): Promise<Verdict> {
    if (row.callbackUrl) {
      hasYoungerUrl ||= isYounger(row, run);
      return judgeUrl(row.callbackUrl, run);
    }
    if (isOtherModel(row, await ourSlugs())) return 'notOurs';
    if (details >= MOST_DETAILS) return 'withoutUrl';
    details += 1;
    const detail = await retryRead(() => wiro.task({ taskId: row.id }));
    if (detail?.callbackUrl) return judgeUrl(detail.callbackUrl, run);
    if (detail !== undefined && isOtherModel(detail, await ourSlugs())) return 'notOurs';
    if (row.callbackUrl === undefined || detail?.callbackUrl === undefined) return 'withoutUrl';
    // Row and detail both show an empty URL.
    hasEmptyUrl = true;
    return 'notOurs';
  }

  return {
    async isOurs(row) {
      const verdict = await judge(row);
      if (verdict === 'withoutUrl' || verdict === 'unknownSignature') firstDoubt ??= DOUBT[verdict];
      return verdict === 'ours';
    },
    // An empty URL proves something only if Wiro shows URLs at all at that time.
    doubt: () => firstDoubt ?? (hasEmptyUrl && !hasYoungerUrl ? DOUBT.withoutUrl : undefined),
  };
}

/** Reads every spelling of our model's name, once and only if needed. `undefined` if Wiro does not say. */
function createOurSlugs(
  wiro: Pick<WiroClient, 'model'>,
  name: ModelName,
): () => Promise<readonly Slugs[] | undefined> {
  let asked: Promise<readonly Slugs[] | undefined> | undefined;
  const ask = async () => {
    const model = await retryRead(() => wiro.model(name));
    const [owner = '', project = ''] = name.split('/');
    return model?.slugs && [{ owner, project }, ...model.slugs];
  };
  return () => {
    asked ??= ask().catch((error: unknown) => {
      logIgnored('rows of other models prove nothing then')(error);
      return undefined;
    });
    return asked;
  };
}

/** Wiro spells a model's name in two ways, clean and raw. A name that is ours in neither way is another model's. */
function isOtherModel({ slugs }: Task, ours: readonly Slugs[] | undefined): boolean {
  if (slugs === undefined || ours === undefined) return false;
  const isOur = (part: keyof Slugs) =>
    ours.some((one) => one[part].toLowerCase() === slugs[part].toLowerCase());
  return !isOur('owner') || !isOur('project');
}
