import { useEffect, useRef, useState } from 'preact/hooks';
import type { Model } from '../../../client/index.ts';
import { client, readAbout } from '../client.ts';
import { describeError } from '../ui/describe-error.ts';
import { useLoad } from '../ui/use-load.ts';
import { FieldNotes, type Notes } from './field.tsx';
import { type FileEntry, nameOf } from './form-model.ts';

interface FileFieldProps extends Notes {
  readonly parameter: Model['parameters'][number];
  readonly takesSeveral: boolean;
  readonly files: readonly FileEntry[];
  readonly update: (update: (before: readonly FileEntry[]) => readonly FileEntry[]) => void;
}

/** Files of one parameter: dropped, chosen, pasted, or named by a URL or a key of the input bucket. */
export function FileField({ parameter, takesSeveral, files, update, problems, warnings }: FileFieldProps) {
  const { id, label, required, note } = parameter;
  const [isOver, setOver] = useState(false);
  const { add, addSource } = useFiles(takesSeveral, update);
  const title = label ?? id;
  return (
    <fieldset
      class={problems.length > 0 ? 'field files wrong' : 'field files'}
      aria-describedby={`notes-${id}`}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        const { dataTransfer } = event;
        if (dataTransfer?.files.length) add(dataTransfer.files);
        else addSource(dataTransfer?.getData('text/uri-list').split(/\r?\n/)[0] ?? '');
      }}
    >
      <legend class="label">
        {title}
        {required && <span class="required"> (required)</span>}
      </legend>
      <div class={isOver ? 'drop over' : 'drop'}>
        {files.map((file) => (
          <Chosen
            key={file.id}
            file={file}
            remove={() => update((before) => before.filter((one) => one.id !== file.id))}
          />
        ))}
        <Chooser id={id} title={title} takesSeveral={takesSeveral} isMore={files.length > 0} add={add} />
        {(takesSeveral || files.length === 0) && (
          <SourceInput id={id} title={title} add={add} addSource={addSource} />
        )}
      </div>
      <FieldNotes id={id} note={note} problems={problems} warnings={warnings} />
    </fieldset>
  );
}

/** Uploads files with their previews, and takes sources as they are. */
function useFiles(takesSeveral: boolean, update: FileFieldProps['update']) {
  const previews = useRef<string[]>([]);
  useEffect(() => () => previews.current.forEach(URL.revokeObjectURL), []);
  const put = (entry: FileEntry) => update((before) => (takesSeveral ? [...before, entry] : [entry]));
  const swap = (entry: FileEntry) =>
    update((before) => before.map((one) => (one.id === entry.id ? entry : one)));

  async function upload(file: File) {
    const preview = file.type.startsWith('image/') ? URL.createObjectURL(file) : undefined;
    if (preview !== undefined) previews.current.push(preview);
    const entry = { id: crypto.randomUUID(), name: file.name, ...(preview !== undefined && { preview }) };
    put({ kind: 'upload', ...entry, state: 'uploading' });
    try {
      const key = await client.upload(file, { name: file.name });
      swap({ kind: 'source', ...entry, source: key });
    } catch (error) {
      swap({ kind: 'upload', ...entry, state: 'failed', message: describeError(error) });
    }
  }

  return {
    add: (given: Iterable<File>) => {
      const chosen = takesSeveral ? [...given] : [...given].slice(0, 1);
      for (const file of chosen) void upload(file);
    },
    addSource: (text: string) => {
      const source = text.trim();
      if (source !== '') put({ kind: 'source', id: crypto.randomUUID(), source, name: nameOf(source) });
    },
  };
}

interface ChooserProps {
  readonly id: string;
  readonly title: string;
  readonly takesSeveral: boolean;
  /** Whether there is one already. */
  readonly isMore: boolean;
  readonly add: (files: Iterable<File>) => void;
}

function Chooser({ id, title, takesSeveral, isMore, add }: ChooserProps) {
  const chooser = useRef<HTMLInputElement>(null);
  return (
    <div class="choose">
      <button type="button" id={`field-${id}`} onClick={() => chooser.current?.click()}>
        Choose {takesSeveral ? `${isMore ? 'more ' : ''}files` : isMore ? 'another file' : 'a file'}
      </button>
      <span class="quiet"> or drop {takesSeveral ? 'them' : 'it'} here</span>
      <input
        ref={chooser}
        type="file"
        hidden
        multiple={takesSeveral}
        aria-label={`File for ${title}`}
        onChange={({ currentTarget }) => {
          add(currentTarget.files ?? []);
          currentTarget.value = '';
        }}
      />
    </div>
  );
}

interface SourceInputProps {
  readonly id: string;
  readonly title: string;
  readonly add: (files: Iterable<File>) => void;
  readonly addSource: (text: string) => void;
}

/** A URL, or an object of the bucket. The API lists no keys, so it is said what to type. */
function SourceInput({ id, title, add, addSource }: SourceInputProps) {
  const [source, setSource] = useState('');
  const about = useLoad(readAbout, 'about');
  const bucket = about.state === 'loaded' ? about.value.endpoint.bucket : undefined;
  const take = () => {
    addSource(source);
    setSource('');
  };
  return (
    <div class="source">
      <input
        aria-label={`URL or object for ${title}`}
        aria-describedby={`source-${id}`}
        placeholder="or https://… or photos/a.png"
        value={source}
        autocomplete="off"
        spellcheck={false}
        onInput={({ currentTarget }) => setSource(currentTarget.value)}
        onPaste={({ clipboardData }) => clipboardData?.files.length && add(clipboardData.files)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter') return;
          event.preventDefault();
          take();
        }}
        onBlur={take}
      />
      <p id={`source-${id}`} class="note">
        A URL, the whole key of an object of{' '}
        {bucket === undefined ? 'the input bucket' : <code>{bucket}</code>}, or s3://bucket/key.
      </p>
    </div>
  );
}

function Chosen({ file, remove }: { readonly file: FileEntry; readonly remove: () => void }) {
  const [isBroken, setBroken] = useState(false);
  const { preview, name } = file;
  return (
    <figure class="chosen">
      {preview !== undefined && !isBroken && <img src={preview} alt="" onError={() => setBroken(true)} />}
      <figcaption>
        <span class="filename" title={file.kind === 'source' ? file.source : name}>
          {name}
        </span>
        {file.kind === 'upload' &&
          (file.state === 'uploading' ? (
            <span role="status"> uploading…</span>
          ) : (
            <span class="problem" role="alert">
              {file.message}
            </span>
          ))}
        <button type="button" class="small" onClick={remove} aria-label={`Remove ${name}`}>
          Remove
        </button>
      </figcaption>
    </figure>
  );
}
