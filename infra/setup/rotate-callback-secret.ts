import {
  DeleteParameterCommand,
  GetParametersCommand,
  type Parameter,
  ParameterNotFound,
  PutParameterCommand,
  type SSMClient,
} from '@aws-sdk/client-ssm';
import { DURATIONS, PARAMETER } from '../../functions/settings.ts';
import { SETUP_COMMAND } from '../construct/is-packaged.ts';
import { SetupError } from './store-secrets.ts';

export interface RotateDeps {
  readonly ssm: Pick<SSMClient, 'send'>;
  readonly newSecret: () => string;
  readonly clock: () => Date;
}

export interface RotateRequest {
  /** The path of the parameters, for example `/wiro/my-stack`. */
  readonly path: string;
  /** Rotates even if callbacks signed with the previous secret may still arrive. `callback` then refuses them. */
  readonly isForced: boolean;
}

/**
 * The time after a rotation in which callbacks signed with the previous secret may arrive. `submit` caches the secret,
 * and a task may run until its deadline and then be stopped.
 */
const OVERLAP_MS = DURATIONS.secrets + DURATIONS.deadline + DURATIONS.stopLimit;

/**
 * Creates a new callback secret and keeps the current one as the previous secret, which `callback` still accepts. Safe
 * to repeat if it fails anywhere: a secret that signs callbacks under way is never lost.
 * @returns The time until which callbacks signed with the previous secret may arrive.
 * @throws {SetupError} If there is no callback secret yet, or the last rotation is too recent.
 */
export async function rotateCallbackSecret(
  { ssm, newSecret, clock }: RotateDeps,
  { path, isForced }: RotateRequest,
): Promise<Date> {
  const { current, previous } = await readSecrets(ssm, path);
  if (current?.Value === undefined)
    throw new SetupError(
      `There is no callback secret under ${path} yet: run "${SETUP_COMMAND}" without --rotate.`,
    );
  // Both are equal if a rotation stopped between its two writes. This run completes it.
  const isUnfinished = previous?.Value === current.Value;
  const lastEnds = overlapEnd(current);
  if (previous !== undefined && !isUnfinished && !isForced && clock() < lastEnds)
    throw new SetupError(
      `The callback secret was rotated at ${current.LastModifiedDate?.toISOString()}, and tasks may still call back ` +
        `with the previous one. Rotate again after ${lastEnds.toISOString()}, or now with --force: the callback ` +
        'function then refuses such callbacks, and reconcile collects their results some minutes later.',
    );
  if (!isUnfinished) await put(ssm, nameOf(path, 'previousCallbackSecret'), current.Value);
  await put(ssm, nameOf(path, 'callbackSecret'), newSecret());
  return new Date(clock().getTime() + OVERLAP_MS);
}

/**
 * Removes the previous secret once no callback signed with it can arrive any more.
 * @returns Whether it removed one.
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

type CallbackSecret = 'callbackSecret' | 'previousCallbackSecret';
const nameOf = (path: string, secret: CallbackSecret) => `${path}/${PARAMETER[secret]}`;

async function readSecrets(
  ssm: RotateDeps['ssm'],
  path: string,
): Promise<{ readonly current: Parameter | undefined; readonly previous: Parameter | undefined }> {
  const Names = [nameOf(path, 'callbackSecret'), nameOf(path, 'previousCallbackSecret')];
  const { Parameters = [] } = await ssm.send(new GetParametersCommand({ Names, WithDecryption: true }));
  const [current, previous] = Names.map((name) => Parameters.find(({ Name }) => Name === name));
  return { current, previous };
}

/** The overlap begins with the write of the current secret. */
const overlapEnd = ({ LastModifiedDate = new Date() }: Parameter) =>
  new Date(LastModifiedDate.getTime() + OVERLAP_MS);

async function put(ssm: RotateDeps['ssm'], Name: string, Value: string): Promise<void> {
  await ssm.send(new PutParameterCommand({ Name, Value, Type: 'SecureString', Overwrite: true }));
}
