import type { GenerationError } from '../generation/errors.ts';
import type { AcceptedRequest, Warning } from '../request/accepted-request.ts';
import { checkPrice } from '../request/check-price.ts';
import { checkAgainstSchema, findUnknownParameters } from '../request/check-schema.ts';
import { isAllowedModel } from '../request/model-name.ts';
import { type Price, priceOf } from '../request/price.ts';
import { gatherProblems } from '../request/problems.ts';
import type { GenerationRequest, ReadRequest } from '../request/request.ts';
import type { UnknownParameters } from '../settings.ts';
import { type AcceptInputsDeps, acceptInputs } from './accept-inputs.ts';
import { explainNotAllowed, explainUnknown, explainUnsupported } from './explain-model.ts';
import type { FindModel, KnownModel } from './known-models.ts';

export interface ExamineDeps extends AcceptInputsDeps {
  readonly knownModel: FindModel;
  /** Patterns of the models that the deployment runs. @default - it runs every model */
  readonly allowedModels?: readonly string[] | undefined;
  /** How parameters that a model does not list are treated. @default 'warn' */
  readonly unknownParameters?: UnknownParameters;
}

/** What a request comes to before anything is stored. */
export interface Examination {
  /** Everything that keeps it from being accepted, as far as it was looked for. */
  readonly problems: readonly GenerationError[];
  readonly warnings: readonly Warning[];
  readonly price: Price;
  /** Wiro's schema of the model could not be had. */
  readonly schemaUnchecked?: true;
  /** Of a request without problems: its inputs as they are now. */
  readonly inputs: AcceptedRequest['inputs'];
}

interface ExamineOptions {
  /** Prefix for every field that an error names, for example `[3].`. */
  readonly path?: string;
  /** Whether there is time to look at one more input; without it, this throws. @default - always */
  readonly hasTime?: () => boolean;
  /** Whether not even the model's schema is cached. @default false */
  readonly isReadOnly?: boolean;
}

/** Up to this many inputs are looked up while the model is. It may turn out to lack their parameters. */
const MOST_AHEAD = 10;

/**
 * Examines a request against its model, the prices and the objects that it names. Stores nothing.
 * @throws If S3 cannot be asked, and nothing else is wrong.
 */
export async function examineRequest(
  deps: ExamineDeps,
  request: GenerationRequest,
  { path = '', hasTime, isReadOnly = false }: ExamineOptions = {},
): Promise<Examination> {
  const given = Object.entries(request.inputs);
  const lookUp = (some: typeof given) => acceptInputs(deps, some, path, hasTime);
  const isFew = given.flatMap(([, sources]) => sources).length <= MOST_AHEAD;
  const ahead = isFew ? lookUp(given) : undefined;
  ahead?.catch(() => {}); // awaited below
  const judged = await judgeModel(deps, request, path, isReadOnly);
  const problems = gatherProblems();
  problems.add(judged.problems);
  // What is given to no parameter of the model is wrong whatever lies there.
  const wanted = given.filter(([name]) => !problems.isWrong(`${path}inputs.${name}`));
  const inputs = await problems
    .checkLater(() => (wanted.length === given.length && ahead) || lookUp(wanted))
    .catch((error: unknown) => {
      // S3 may not answer. The problems found before still stand.
      if (problems.list().length === 0) throw error;
      return undefined;
    });
  return { ...judged, problems: problems.list(), inputs: inputs ?? {} };
}

/**
 * Examines a request whose form may be wrong by what could be read of it, so that all of it can be mended at once.
 * The problems of the form come first.
 */
export async function examineReading(
  deps: ExamineDeps,
  { request, problems: ofForm }: ReadRequest,
  options: ExamineOptions = {},
): Promise<Examination> {
  if (request.model === '') return { problems: ofForm, ...NOTHING_KNOWN };
  const examined = await examineRequest(deps, request, options).catch((error: unknown) => {
    if (ofForm.length === 0) throw error;
    return { problems: [], ...NOTHING_KNOWN };
  });
  const problems = gatherProblems();
  problems.add(ofForm);
  problems.add(
    examined.problems.filter(({ field }) => !ofForm.some((wrong) => isWithin(field, wrong.field))),
  );
  return { ...examined, problems: problems.list() };
}

/** As `examineReading`, for a request that is only examined if its form is wrong. */
export const findAllProblems = async (
  deps: ExamineDeps,
  read: ReadRequest,
  options?: ExamineOptions,
): Promise<readonly GenerationError[]> =>
  read.problems.length === 0 ? [] : (await examineReading(deps, read, options)).problems;

const NOTHING_KNOWN: Omit<Examination, 'problems'> = {
  warnings: [],
  price: { certainty: 'unknown', note: 'the request could not be examined' },
  inputs: {},
};

/** A part that could not be read looks as if it were missing. */
const isWithin = (field: string | undefined, wrong: string | undefined): boolean =>
  field !== undefined &&
  wrong !== undefined &&
  (field === wrong || field.startsWith(`${wrong}.`) || field.startsWith(`${wrong}[`));

// --- the model ------------------------------------------------------------------------------------------------

type Judgement = Omit<Examination, 'inputs'>;

async function judgeModel(
  deps: ExamineDeps,
  request: GenerationRequest,
  path: string,
  isReadOnly: boolean,
): Promise<Judgement> {
  const { knownModel, allowedModels } = deps;
  if (allowedModels !== undefined && !isAllowedModel(request.model, allowedModels))
    return refused(explainNotAllowed(request.model, allowedModels, path));
  const known = await knownModel(request.model, { isReadOnly });
  const judged = judge(deps, request, known, path);
  if (judged.problems.length === 0 || known?.kind !== 'model' || !known.isCached) return judged;
  // Wiro may have changed the model since.
  const anew = await knownModel(request.model, { isReadOnly, isAnew: true });
  if (anew !== undefined) return judge(deps, request, anew, path);
  return {
    ...judged,
    // Wiro decides about the rest, and charges nothing for what it refuses.
    problems: judged.problems.filter(({ code }) => code === 'price_too_high'),
    schemaUnchecked: true,
  };
}

function judge(
  { unknownParameters = 'warn' }: ExamineDeps,
  request: GenerationRequest,
  known: KnownModel | undefined,
  path: string,
): Judgement {
  if (known?.kind === 'unknownModel') return refused(explainUnknown(request.model, known.suggestion, path));
  if (known?.kind === 'unsupportedModel')
    return refused(explainUnsupported(request.model, known.modelKind, path));
  const problems = gatherProblems();
  const warnings: Warning[] = [];
  const price: Price = known
    ? priceOf(request, known.schema, known)
    : { certainty: 'unknown', note: 'Wiro could not be asked for its price' };
  if (known !== undefined) {
    problems.check(() => checkAgainstSchema(request, known.schema, path));
    const unlisted = findUnknownParameters(request, known.schema, path);
    if (unknownParameters === 'refuse') problems.add(unlisted);
    else warnings.push(...unlisted.slice(0, MOST_WARNINGS).map(toWarning));
  }
  const warning = problems.check(() => checkPrice(price, request.maxCostUsd, path));
  if (warning !== undefined) warnings.push(warning);
  return {
    problems: problems.list(),
    warnings,
    price,
    ...(known === undefined && { schemaUnchecked: true as const }),
  };
}

/** They are kept with the request. */
const MOST_WARNINGS = 20;

const toWarning = ({ message, field }: GenerationError): Warning => ({
  code: 'unknown_parameter',
  message,
  ...(field !== undefined && { field }),
});

const refused = (problem: GenerationError): Judgement => ({
  problems: [problem],
  warnings: [],
  price: { certainty: 'unknown', note: 'this model is not run here' },
});
