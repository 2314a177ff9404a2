import { type GenerationError, RequestError } from '../generation/errors.ts';
import { timestamp } from '../generation/time.ts';
import { InputAccessError } from '../objects/errors.ts';
import { PREFIX } from '../objects/prefix.ts';
import type { FoundObject } from '../objects/types.ts';
import { readUploadKey } from '../request/preset.ts';
import { log } from '../runtime/log.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import type { Delivery } from '../store/delivery-store.ts';
import { unreachable } from './accept-request-file.ts';
import { explainUnreadable } from './explain-unreadable.ts';
import { contentOf, findCurrent, type Put, timeOf } from './put.ts';
import type { ReceiveObjectsDeps } from './receive-deps.ts';
import { receiveUpload, rejectUpload, type Upload, uploadId } from './receive-upload.ts';

/** Receives a file in the folder of a preset. It becomes a generation, or the folder of its outputs says why not. */
export async function receiveDrop(deps: ReceiveObjectsDeps, put: Put, delivery: Delivery): Promise<void> {
  if (delivery.tries > 1) {
    // An earlier delivery may have accepted it. Its generation is found even if the object has been replaced.
    const id = await findAccepted(deps, put, delivery);
    if (id !== undefined)
      return deps.submit(id).catch(logIgnored('reconcile submits what is due', { generationId: id }));
    if (delivery.outcome === 'rejected') return giveUpDrop(deps, put, delivery);
  }
  let found: FoundObject | undefined;
  try {
    found = await findCurrent(deps, put);
  } catch (error) {
    if (!(error instanceof InputAccessError)) throw error;
    return rejectDrop(deps, put, delivery, explainUnreadable(error));
  }
  if (found === undefined) return log.info('A dropped file was replaced, or is gone', { key: put.keys[0] });
  const upload = uploadsIn(put).find(({ key }) => key === found.key);
  if (upload === undefined) return;
  const drop = await deps.deliveries.drop(contentOf(found), timeOf(put));
  if (drop.kind === 'replaced') return log.info('A dropped file was put again since', { key: found.key });
  if (drop.put !== put.version) await deps.deliveries.join(put.event, drop.put);
  const at = found.lastModified ?? timestamp(put.at);
  await receiveUpload(deps, { ...upload, version: drop.put, at, found });
}

/** Finds the generation that a drop became, whatever became of its object. */
async function findAccepted(
  deps: ReceiveObjectsDeps,
  put: Put,
  { sameAs }: Delivery,
): Promise<string | undefined> {
  for (const upload of uploadsIn(put)) {
    const id = uploadId(deps, { ...upload, version: sameAs ?? put.version });
    if ((await deps.generations.get(id)) !== undefined) return id;
  }
  return undefined;
}

export async function giveUpDrop(deps: ReceiveObjectsDeps, put: Put, delivery: Delivery): Promise<void> {
  if ((await deps.deliveries.settle(put.event, 'rejected')) !== 'rejected') return;
  if ((await findAccepted(deps, put, delivery)) !== undefined) return;
  await rejectDrop(deps, put, delivery, unreachable());
}

async function rejectDrop(
  deps: ReceiveObjectsDeps,
  put: Put,
  { sameAs }: Delivery,
  error: GenerationError,
): Promise<void> {
  const [upload] = uploadsIn(put);
  if (upload)
    await rejectUpload(
      deps,
      { ...upload, version: sameAs ?? put.version, at: timestamp(put.at) },
      RequestError.of(error),
    );
}

/** The drop that the object is, by each possible key. None if it lies in no folder of a preset. */
export const uploadsIn = ({ bucket, keys }: Put): readonly Omit<Upload, 'version' | 'at' | 'found'>[] =>
  keys.flatMap((key) => {
    const read = readUploadKey(key, PREFIX.uploads);
    return read === undefined ? [] : [{ bucket, key, ...read }];
  });
