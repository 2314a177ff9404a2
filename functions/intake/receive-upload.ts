import { RequestError, withProblems } from '../generation/errors.ts';
import type { Timestamp } from '../generation/time.ts';
import type { JsonObjects } from '../objects/json-object.ts';
import type { FoundObject, ObjectRef } from '../objects/types.ts';
import { generationId } from '../request/identity.ts';
import { foldersOf, type Presets, presetRequest } from '../request/preset.ts';
import type { SourceRules } from '../request/source.ts';
import { log } from '../runtime/log.ts';
import { logIgnored } from '../runtime/log-ignored.ts';
import { writeResultPage } from '../runtime/result-page.ts';
import { type AcceptDeps, acceptChecked, checkRequest } from './accept-generation.ts';
import { dropFolder } from './drop-folder.ts';

export interface ReceiveUploadDeps extends AcceptDeps {
  readonly presets: Presets;
  readonly rules: SourceRules;
  readonly rejections: Pick<JsonObjects, 'write' | 'writePage'>;
  readonly outputBucket: string;
  /** Ends in `/`. */
  readonly outputPrefix: string;
  /** In which the folders of outputs are named, such as `Europe/Berlin`. */
  readonly timeZone: string;
  readonly submit: (id: string) => Promise<void>;
}

/** An object in a preset's folder. */
export interface Upload {
  readonly bucket: string;
  readonly key: string;
  /** Identifies the put that stands for the drop: its versionId, or else its ETag and sequencer. */
  readonly version: string;
  /** The folder under `uploads/`. */
  readonly preset: string;
  /** The object's name in that folder. */
  readonly name: string;
  /** When the object was last modified, or put. */
  readonly at: Timestamp;
  /** The object as it was found. This version of it is run. */
  readonly found: FoundObject;
}

type NamedUpload = Omit<Upload, 'found'>;
type UploadIdentity = Omit<NamedUpload, 'at'>;

/** Makes a generation of a dropped file. If that is impossible, writes why into the folder of its outputs. */
export async function receiveUpload(deps: ReceiveUploadDeps, upload: Upload): Promise<void> {
  const { bucket, key, found } = upload;
  try {
    const preset = Object.hasOwn(deps.presets, upload.preset) ? deps.presets[upload.preset] : undefined;
    if (preset === undefined) throw noPreset(upload.preset, deps.presets);
    // The object is not read again. A replacement has an event of its own, and would be run twice.
    const head = async (ref: ObjectRef) =>
      ref.bucket === bucket && ref.key === key ? found : deps.inputs.head(ref);
    const checked = await checkRequest(
      { ...deps, inputs: { head } },
      presetRequest(preset, key, deps.rules),
      {
        origin: 's3',
        key: identityOf(upload),
        outputFolder: (id) => folderOf(deps, upload, id),
      },
    );
    const { id } =
      checked.kind === 'existing' ? checked.generation : await acceptChecked(deps, checked.checked);
    log.info('A dropped file was accepted', { generationId: id, preset: upload.preset });
    await deps.submit(id).catch(logIgnored('reconcile submits what is due', { generationId: id }));
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    await rejectUpload(deps, upload, error);
  }
}

/** The id of the generation that a dropped file becomes. */
export const uploadId = (
  { deployment }: Pick<ReceiveUploadDeps, 'deployment'>,
  upload: UploadIdentity,
): string => generationId(deployment, 's3', identityOf(upload));

const identityOf = ({ bucket, key, version }: UploadIdentity) =>
  JSON.stringify(['upload', bucket, key, version]);

/** A file dropped again under the same name has another id, so nothing is overwritten. */
const folderOf = (
  { outputPrefix, timeZone }: ReceiveUploadDeps,
  { preset, name, at }: NamedUpload,
  id: string,
) => dropFolder({ outputPrefix, timeZone, preset, name, at, id });

/** Writes into the folder of its outputs that a dropped file was not used, and why. */
export async function rejectUpload(
  deps: ReceiveUploadDeps,
  upload: NamedUpload,
  { error, problems }: RequestError,
): Promise<void> {
  const { rejections, outputBucket, clock } = deps;
  const id = uploadId(deps, upload);
  log.info('A dropped file was rejected', { generationId: id, code: error.code });
  const folder = folderOf(deps, upload, id);
  const message = `This file was not used, and nothing was charged. ${error.message}`;
  const page = writeResultPage({
    status: 'rejected',
    title: upload.name,
    message,
    facts: [['Preset', upload.preset]],
    files: [],
    problems: problems.length > 1 ? problems.map((one) => one.message) : [],
  });
  await rejections.writePage({ bucket: outputBucket, key: `${folder}result.html` }, page);
  await rejections.write(
    { bucket: outputBucket, key: `${folder}result.json` },
    {
      status: 'rejected',
      message,
      id,
      inputs: [upload.key],
      outputs: [],
      error: withProblems(error, problems),
      endedAt: clock().toISOString(),
    },
    { kind: 'always' },
  );
}

function noPreset(name: string, presets: Presets): RequestError {
  const names = Object.keys(presets);
  const remedy = names.length > 0 ? `put the file into ${foldersOf(names)}` : 'this deployment has none';
  return new RequestError(
    'invalid_request',
    `There is no preset for the folder "uploads/${name}/": ${remedy}.`,
  );
}
