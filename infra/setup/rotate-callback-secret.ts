import {
  DeleteParameterCommand,
  GetParametersCommand,
  type Parameter,
  ParameterNotFound,
  PutParameterCommand,
  type SSMClient,
} from '@aws-sdk/client-ssm';
import { DURATIONS, PARAMETER } from '../../functions/settings.ts';
import { SETUP } from '../construct/is-packaged.ts';
import { SetupError } from './store-secrets.ts';

export interface RotateDeps {
  readonly ssm: Pick<SSMClient, 'send'>;
  readonly newSecret: () => string;
  readonly clock: () => Date;
}

export interface RotateRequest {
  /** Parameters lie under it, for example `/wiro/my-stack`. */
  readonly path: string;
  /** Also while callbacks signed with the secret before may still come: those are then refused. */
  readonly isForced: boolean;
}

/**
 * How long after a rotation a callback signed with the secret before may come: `submit` signs with what it has kept,
 * and a task may run until its deadline and then be stopped.
 */
const OVERLAP_MS = DURATIONS.secrets + DURATIONS.deadline + DURATIONS.stopLimit;

/**
 * Makes a new callback secret and keeps the one before, which stays accepted. May die anywhere and be repeated: at no
 * moment is a secret lost that callbacks under way are signed with.
 * @returns Until when callbacks signed with the secret before may come.
 * @throws {SetupError} When there is none yet, or the last rotation is too young.
 */
export async function rotateCallbackSecret(
  { ssm, newSecret, clock }: RotateDeps,
  { path, isForced }: RotateRequest,
): Promise<Date> {
  const { current, previous } = await readSecrets(ssm, path);
  if (current?.Value === undefined)
    throw new SetupError(`There is no callback secret under ${path} yet: run "${SETUP}" without --rotate.`);
  // Both are one where a rotation was cut off between its two writes: then it is finished here.
  const isCutOff = previous?.Value === current.Value;
  const lastEnds = overlapEnd(current);
  if (previous !== undefined && !isCutOff && !isForced && clock() < lastEnds)
    throw new SetupError(
      `The callback secret was rotated at ${current.LastModifiedDate?.toISOString()}, and tasks may still call back ` +
        `with the one before it. Rotate again after ${lastEnds.toISOString()}, or now with --force: such callbacks ` +
        'are then refused, and their results come minutes later, by reconcile.',
    );
  if (!isCutOff) await put(ssm, nameOf(path, 'previousCallbackSecret'), current.Value);
  await put(ssm, nameOf(path, 'callbackSecret'), newSecret());
  return new Date(clock().getTime() + OVERLAP_MS);
}

/**
 * Removes the secret before the last rotation once no callback can be signed with it any more.
 * @returns Whether there was one to be removed.
 */
export async function endRotation(
  { ssm, clock }: Pick<RotateDeps, 'ssm' | 'clock'>,
  path: string,
): Promise<boolean> {
  const { current, previous } = await readSecrets(ssm, path);
  if (current === undefined || previous === undefined || clock() < overlapEnd(current)) return false;
  try {
    await ssm.send(new DeleteParameterCommand({ Name: nameOf(path, 'previousCallbackSecret') }));
  } catch (error) {
    if (!(error instanceof ParameterNotFound)) throw error;
  }
  return true;
}

type Kept = 'callbackSecret' | 'previousCallbackSecret';
const nameOf = (path: string, secret: Kept) => `${path}/${PARAMETER[secret]}`;

async function readSecrets(
  ssm: RotateDeps['ssm'],
  path: string,
): Promise<{ readonly current: Parameter | undefined; readonly previous: Parameter | undefined }> {
  const Names = [nameOf(path, 'callbackSecret'), nameOf(path, 'previousCallbackSecret')];
  const { Parameters = [] } = await ssm.send(new GetParametersCommand({ Names, WithDecryption: true }));
  const [current, previous] = Names.map((name) => Parameters.find(({ Name }) => Name === name));
  return { current, previous };
}

/** The overlap begins when the current secret became the current one. */
const overlapEnd = ({ LastModifiedDate = new Date() }: Parameter) =>
  new Date(LastModifiedDate.getTime() + OVERLAP_MS);

async function put(ssm: RotateDeps['ssm'], Name: string, Value: string): Promise<void> {
  await ssm.send(new PutParameterCommand({ Name, Value, Type: 'SecureString', Overwrite: true }));
}
