import type { Archive, ArchivedFile } from './archive.ts';
import { randomDirectory, randomHex, randomToken } from './names.ts';
import type { StoredBytes } from './stored-bytes.ts';

/** A file at the simulated Wiro: an upload or an output. */
export interface StoredFile {
  readonly id: string;
  readonly name: string;
  readonly contentType: string;
  readonly bytes: StoredBytes;
  /** The path of its URL. */
  readonly path: string;
  readonly url: string;
  readonly parentId: string;
  readonly accessKey: string;
  readonly addedAt: number;
  readonly task?: FileOwner;
}

/** The task that made a file, for fault rules. */
export interface FileOwner {
  readonly taskId: string;
  readonly model: string;
  readonly callbackUrl: string;
}

export interface FileStore {
  addUpload(file: { name: string; contentType: string; bytes: StoredBytes; folderId: string }): StoredFile;
  addOutput(file: { name: string; contentType: string; bytes: StoredBytes; task: FileOwner }): StoredFile;
  /** Finds a file by its path. */
  find(path: string): StoredFile | undefined;
  /** Finds a file by its whole URL. */
  findByUrl(url: string): StoredFile | undefined;
  remove(file: StoredFile): Promise<void>;
  /** Keeps the file for a simulator that is started again, if this one has an archive. */
  keep(file: StoredFile): Promise<void>;
  /** Finds a file by its id. */
  findById(id: string): StoredFile | undefined;
  uploads(): readonly StoredFile[];
  /** Removes all uploads, as Wiro does after some time. */
  expireUploads(): Promise<void>;
}

export const UPLOAD_LIMIT_BYTES = 100 * 1024 * 1024;

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  png: 'image/png',
  gif: 'image/gif',
  webp: 'image/webp',
  heic: 'image/heic',
  mp4: 'video/mp4',
  webm: 'video/webm',
  mov: 'video/quicktime',
  mp3: 'audio/mpeg',
  wav: 'audio/wav',
  m4a: 'audio/mp4',
  pdf: 'application/pdf',
  csv: 'text/csv',
  docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  pptx: 'application/vnd.openxmlformats-officedocument.presentationml.presentation',
  txt: 'text/plain',
  md: 'text/markdown',
  epub: 'application/epub+zip',
  zip: 'application/zip',
};

/** Returns the content type for a file name, or `undefined` if Wiro does not accept the file type. */
export function acceptedContentType(fileName: string): string | undefined {
  return CONTENT_TYPES[/\.([a-z0-9]+)$/i.exec(fileName)?.[1]?.toLowerCase() ?? ''];
}

export function createFileStore(origin: string, now: () => number, archive?: Archive): FileStore {
  const byPath = new Map<string, StoredFile>();
  const uploads: StoredFile[] = [];
  for (const { kind, ...file } of archive?.files ?? []) {
    const stored = { ...file, url: `${origin}${file.path}` };
    byPath.set(file.path, stored);
    if (kind === 'upload') uploads.push(stored);
  }

  function add(path: string, file: Omit<StoredFile, 'id' | 'path' | 'url' | 'addedAt'>): StoredFile {
    const stored = { ...file, id: randomHex(), path, url: `${origin}${path}`, addedAt: now() };
    byPath.set(path, stored);
    return stored;
  }

  async function remove(file: StoredFile): Promise<void> {
    byPath.delete(file.path);
    archive?.removeFile(file.id);
    await file.bytes.remove();
  }

  return {
    addUpload: ({ folderId, ...file }) => {
      const accessKey = randomToken();
      const path = `/v1/File/${accessKey}/${encodeURIComponent(file.name)}`;
      const stored = add(path, { ...file, accessKey, parentId: folderId });
      uploads.push(stored);
      return stored;
    },
    addOutput: (file) =>
      add(`/cdn/${randomDirectory()}/${encodeURIComponent(file.name)}`, {
        ...file,
        accessKey: randomToken(),
        parentId: randomHex(),
      }),
    find: (path) => byPath.get(path),
    findByUrl: (url) => {
      const [, at, path = ''] = /^(https?:\/\/[^/]+)(\/[^?#]*)/.exec(url) ?? [];
      // A simulator that is started again may listen on another port.
      const isOurs = at === origin || (archive !== undefined && LOOPBACK.test(at ?? ''));
      return isOurs ? byPath.get(path) : undefined;
    },
    findById: (id) => [...byPath.values()].find((file) => file.id === id),
    keep: async ({ url: _, ...file }) => {
      const kind: ArchivedFile['kind'] = file.task === undefined ? 'upload' : 'output';
      await archive?.saveFile({ ...file, kind });
    },
    remove,
    uploads: () => uploads,
    expireUploads: async () => {
      await Promise.all(uploads.map(remove));
    },
  };
}

const LOOPBACK = /^http:\/\/(127\.0\.0\.1|localhost):\d+$/;

/** Describes a file in the form of Wiro's responses. */
export function describeFile(file: StoredFile, sizeBytes = file.bytes.sizeBytes): Record<string, unknown> {
  const seconds = String(Math.floor(file.addedAt / 1000));
  return {
    id: file.id,
    name: file.name,
    contenttype: file.contentType,
    parentid: file.parentId,
    uuid: '15bce51f-442f-4f44-a71d-13c6374a62bd',
    size: String(sizeBytes),
    addedtime: seconds,
    modifiedtime: seconds,
    accesskey: file.accessKey,
    foldercount: '0',
    filecount: '0',
    ispublic: 0,
    expiretime: null,
    url: file.url,
  };
}
