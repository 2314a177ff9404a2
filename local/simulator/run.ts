import type { Faults } from './faults.ts';
import { findModel, isFileItem, modelItems, modelName } from './models.ts';
import { findParameterError, inputUrls, type RunForm } from './parameters.ts';
import { RequestError } from './request.ts';
import { concurrencyLimit, type Settings } from './settings.ts';
import type { SimulatedModel } from './simulated-model.ts';
import type { SimulatedTask, TaskStore } from './tasks.ts';

export interface AcceptRunDeps {
  readonly settings: Settings;
  readonly faults: Pick<Faults, 'take'>;
  readonly tasks: Pick<TaskStore, 'add' | 'active'>;
}

const MINIMUM_BALANCE_USD = 0.5;

/**
 * Creates a task for a `Run` request without starting it.
 * @throws {RequestError} With Wiro's message, if the request is refused. No task exists then.
 */
export function acceptRun(
  { settings, faults, tasks }: AcceptRunDeps,
  owner: string,
  project: string,
  form: RunForm,
): SimulatedTask {
  const model = findModel(owner, project);
  if (!model) throw new RequestError('slug-owner-project-not-exist', 1);
  const invalid = findParameterError(model, form);
  if (invalid) throw new RequestError(invalid);
  if (settings.balanceUsd < MINIMUM_BALANCE_USD)
    throw new RequestError('Insufficient balance. You need at least $0.50 to run a task.', 97);
  const limit = concurrencyLimit(settings);
  if (tasks.active() >= limit)
    throw new RequestError(`you can run up to ${limit} tasks at the same time`, 96);

  const callbackUrl = callbackUrlOf(form.fields);
  return tasks.add({
    model,
    parameters: parametersOf(model, form),
    inputUrls: inputUrlsOf(model, form),
    callbackUrl,
    projectId: String(form.fields.projectid ?? '699'),
    fault: faults.take('task', { model: modelName(model), callbackUrl }),
  });
}

/** Reads the callback URL. Wiro's docs call it `callbackUrl`, task records `callbackurl`. */
export function callbackUrlOf({ callbackUrl, callbackurl }: RunForm['fields']): string {
  const given = [callbackUrl, callbackurl].flat().find((url) => typeof url === 'string' && url !== '');
  return String(given ?? '');
}

/** The request's fields, with each file replaced by its URL. */
function parametersOf(model: SimulatedModel, form: RunForm): Record<string, unknown> {
  const {
    callbackUrl: _,
    callbackurl: __,
    projectid: ___,
    ...parameters
  }: Record<string, unknown> = form.fields;
  for (const item of modelItems(model).filter(isFileItem)) {
    const urls = inputUrls(item, form);
    if (form.files[item.id]) parameters[item.id] = item.type === 'fileinput' ? urls[0] : urls;
  }
  return parameters;
}

/** Lists the input URLs: those of the model's file parameters, or of all files if the model lists no parameters. */
function inputUrlsOf(model: SimulatedModel, form: RunForm): string[] {
  if (model.parameters === null)
    return Object.values(form.files).flatMap((files) => files.map(({ url }) => url));
  return modelItems(model)
    .filter(isFileItem)
    .flatMap((item) => inputUrls(item, form));
}
