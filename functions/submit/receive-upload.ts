import { type AcceptDeps, acceptChecked, checkRequest } from '../acceptance/accept-generation.ts';
import { type GenerationError, RequestError } from '../generation/errors.ts';
import { generationId } from '../generation/identity.ts';
import { type Presets, presetRequest } from '../generation/preset.ts';
import type { SourceRules } from '../generation/source.ts';
import { ignore } from '../ignore.ts';
import { log } from '../log.ts';
import type { JsonObjects } from '../objects/json-object.ts';
import { safeFileName } from '../objects/output-key.ts';

export interface ReceiveUploadDeps extends AcceptDeps {
  readonly presets: Presets;
  readonly rules: SourceRules;
  readonly rejections: Pick<JsonObjects, 'write'>;
  readonly outputBucket: string;
  /** Ends in `/`. */
  readonly outputPrefix: string;
  readonly submit: (id: string) => Promise<void>;
}

/** An object that was dropped into a preset's folder. */
export interface Upload {
  readonly bucket: string;
  readonly key: string;
  /** What makes this very put of it: versionId, else ETag and sequencer. */
  readonly version: string;
  /** The folder under `uploads/`. */
  readonly preset: string;
  /** Its name in that folder. */
  readonly name: string;
}

/** Makes a dropped file a generation, or says beside where its outputs would be why not. */
export async function receiveUpload(deps: ReceiveUploadDeps, upload: Upload): Promise<void> {
  const { bucket, key, version, name } = upload;
  const identity = JSON.stringify(['upload', bucket, key, version]);
  // The same name dropped again has another id: nothing is overwritten.
  const folderOf = (id: string) =>
    `${deps.outputPrefix}${safeFileName(upload.preset)}/${safeFileName(name.replaceAll('/', '-'))}-${id}/`;
  try {
    const preset = Object.hasOwn(deps.presets, upload.preset) ? deps.presets[upload.preset] : undefined;
    if (preset === undefined) throw noPreset(upload.preset, deps.presets);
    const checked = await checkRequest(deps, presetRequest(preset, key, deps.rules), {
      origin: 's3',
      key: identity,
      outputFolder: folderOf,
    });
    const { id } = checked.kind === 'known' ? checked.generation : await acceptChecked(deps, checked.checked);
    log.info('A dropped file was accepted', { generationId: id, preset: upload.preset });
    await deps.submit(id).catch(ignore('reconcile submits what is due', { generationId: id }));
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    const id = generationId(deps.deployment, 's3', identity);
    await reject(deps, { folder: folderOf(id), id, key }, error.error);
  }
}

async function reject(
  { rejections, outputBucket, clock }: ReceiveUploadDeps,
  { folder, id, key }: { readonly folder: string; readonly id: string; readonly key: string },
  error: GenerationError,
): Promise<void> {
  log.info('A dropped file was rejected', { generationId: id, code: error.code });
  await rejections.write(
    { bucket: outputBucket, key: `${folder}result.json` },
    {
      status: 'rejected',
      message: `This file was not used, and nothing was charged. ${error.message}`,
      id,
      inputs: [key],
      outputs: [],
      error,
      endedAt: clock().toISOString(),
    },
    { kind: 'always' },
  );
}

function noPreset(name: string, presets: Presets): RequestError {
  const names = Object.keys(presets);
  const remedy = names.length > 0 ? `there are ${names.join(', ')}` : 'this deployment has none';
  return new RequestError(
    'invalid_request',
    `There is no preset for the folder "uploads/${name}/": ${remedy}.`,
  );
}
