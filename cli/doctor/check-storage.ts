import { PREFIX } from '../../functions/objects/prefix.ts';
import { type CallApi, type CallAws, type HttpAnswer, send } from './calls.ts';
import { type Judgement, ok, unchecked, withoutUrls, wrong } from './finding.ts';

const TEXT = 'Written by wiro-serverless doctor. It expires by itself.\n';

export interface UploadAnswers {
  readonly link: HttpAnswer;
  /** Absent without a link. */
  readonly put?: HttpAnswer;
}

/** Uploads a few bytes as an input. They expire like every upload. */
export async function upload(api: CallApi, signal: AbortSignal): Promise<UploadAnswers> {
  const body = JSON.stringify({
    name: 'doctor.txt',
    sizeBytes: Buffer.byteLength(TEXT),
    contentType: 'text/plain',
  });
  const link = await api('/uploads', signal, { method: 'POST', body });
  if (link.status !== 201) return { link };
  const { url, headers } = JSON.parse(link.text) as { url: string; headers: Record<string, string> };
  // fetch sets the length itself, and refuses to be told.
  const { 'content-length': _, ...others } = headers;
  return { link, put: await send(url, { method: 'PUT', headers: others, body: TEXT, signal }) };
}

export function judgeUpload({ link, put }: UploadAnswers): Judgement {
  if (put === undefined) {
    if (link.status === 404)
      return wrong('the API gives no links for uploads (404)', 'Deploy the stack with this release.');
    return wrong(
      `the API gives no link for an upload (${link.status}${messageIn(link)})`,
      "If it names a prefix, add inputs/temporary/ to inputPrefixes. Else read the API function's log.",
    );
  }
  if (put.status < 300) return ok('accepted by the API and by S3');
  return wrong(
    `S3 refuses an upload by link (${codeIn(put)})`,
    'Look for a bucket policy, a key policy (KMS) or an organization’s policy that denies api s3:PutObject, and deploy again.',
  );
}

export interface LinkAnswers {
  readonly list: HttpAnswer;
  /** Absent if there is no output yet. */
  readonly read?: HttpAnswer;
}

/** Reads the first byte of the newest output, by the link in its record. */
export async function readNewest(api: CallApi, signal: AbortSignal): Promise<LinkAnswers> {
  const list = await api('/generations?status=succeeded&limit=1', signal);
  if (list.status !== 200) return { list };
  const { generations = [] } = JSON.parse(list.text) as { generations?: readonly { readonly id: string }[] };
  const [row] = generations;
  if (row === undefined) return { list };
  const record = await api(`/generations/${encodeURIComponent(row.id)}`, signal);
  const { outputs = [] } = (record.status === 200 ? JSON.parse(record.text) : {}) as {
    outputs?: readonly { readonly url?: string }[];
  };
  const url = outputs.find((output) => output.url !== undefined)?.url;
  if (url === undefined) return { list };
  return { list, read: await send(url, { headers: { range: 'bytes=0-0' }, signal }) };
}

export function judgeLink({ list, read }: LinkAnswers): Judgement {
  if (list.status !== 200) return unchecked(`the API lists no generations (${list.status})`);
  if (read === undefined) return unchecked('no generation has outputs yet', 'Run one, and repeat.');
  // 416: the object is empty.
  if (read.status < 300 || read.status === 416) return ok('the newest output can be read by its link');
  if (read.status === 404)
    return wrong(
      'the newest output is no longer in its bucket (404)',
      'It expired (retention), or someone deleted it.',
    );
  return wrong(
    `S3 refuses the link of the newest output (${codeIn(read)})`,
    'Look for a bucket policy, a key policy (KMS) or an organization’s policy that denies api s3:GetObject from here.',
  );
}

/** S3 names the reason in a code. The rest of its answer may quote the link. */
const codeIn = ({ status, text }: HttpAnswer): string =>
  [status, /<Code>([A-Za-z]+)</.exec(text)?.[1]].filter(Boolean).join(' ');

function messageIn({ text }: HttpAnswer): string {
  const message = /"message"\s*:\s*"((?:[^"\\]|\\.)*)"/.exec(text)?.[1];
  return message === undefined ? '' : `: ${withoutUrls(message)}`;
}

/** Reads the notifications of the input bucket, as S3's XML. */
export const readNotifications = (aws: CallAws, bucket: string, signal: AbortSignal): Promise<string> =>
  aws(
    {
      service: 's3',
      action: 's3:GetBucketNotification',
      method: 'GET',
      path: `/${encodeURIComponent(bucket)}?notification`,
    },
    signal,
  );

export function judgeNotifications(xml: string, submitFunction: string): Judgement {
  const targets = [
    ...xml.matchAll(/<CloudFunctionConfiguration>([\s\S]*?)<\/CloudFunctionConfiguration>/g),
  ].map(([, configuration = '']) => configuration);
  const ours = targets.filter((one) =>
    new RegExp(`:function:${submitFunction.replace(/\W/g, '\\$&')}<`).test(one),
  );
  const takesRequests = ours.some((one) => one.includes(`<Value>${PREFIX.requests}</Value>`));
  if (takesRequests) return ok('request files in the input bucket start submit');
  return wrong(
    'the input bucket does not tell submit about request files',
    'Deploy the stack again. If another tool sets the notifications of the bucket, it overwrites these: add them there.',
  );
}
