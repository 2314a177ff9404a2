import { awsCommand } from './aws-command.ts';
import type { Form, Sample } from './form.ts';
import { hereDocument, shellWord } from './quote.ts';
import { type FileField, type TextField, wiroFieldsOf } from './wiro-fields.ts';

/** Where a reader's own address goes. A deployment signs one for each attempt. */
const CALLBACK = 'https://example.com/wiro-callback';
/** The documentation and the task record spell the name differently. */
const CALLBACK_FIELDS: readonly TextField[] = [
  { name: 'callbackUrl', value: CALLBACK },
  { name: 'callbackurl', value: CALLBACK },
];
/** Linux takes no argument of a command of 128 KB or more. */
const LONGEST_ARGUMENT = 100_000;

const SIGNING = [
  'nonce=$(date +%s)',
  `signature=$(printf %s "$WIRO_API_SECRET$nonce" | openssl dgst -sha256 -hmac "$WIRO_API_KEY" | sed 's/^.* //')`,
];
const HEADERS = '-H "x-api-key: $WIRO_API_KEY" -H "x-nonce: $nonce" -H "x-signature: $signature"';

/** The request to Wiro behind a form. */
export function wiroSample(form: Form): Sample {
  const { wiroUrl = 'https://api.wiro.ai/v1' } = form.endpoint;
  const run = `curl -sS ${shellWord(`${wiroUrl}/Run/${form.model.split('/').map(encodeURIComponent).join('/')}`)}`;
  const fields = [...wiroFieldsOf(form), ...CALLBACK_FIELDS];
  const { before, options } = fields.some((field) => 'object' in field)
    ? multipart(form, fields)
    : { before: [], options: json(fields as readonly TextField[]) };
  return {
    id: 'wiro',
    title: 'Wiro request',
    language: 'sh',
    text: `${[...before, ...SIGNING, [run, HEADERS, ...options].join(' \\\n  ')].join('\n')}\n`,
    note: `What goes to Wiro behind it. Needs WIRO_API_KEY and WIRO_API_SECRET in the environment, and an address of yours instead of ${CALLBACK}. Wiro charges each time that it is sent.`,
  };
}

const json = (fields: readonly TextField[]): readonly string[] => [
  "-H 'content-type: application/json'",
  `--data-binary @- ${hereDocument(Object.fromEntries(fields.map(({ name, value }) => [name, value])))}`,
];

/** Files, and what is too long for an argument, are put into a folder first. */
function multipart(form: Form, fields: readonly (TextField | FileField)[]) {
  const before = ['folder=$(mktemp -d)'];
  const options = fields.map((field, place) => {
    const name = shellWord(`${field.name}=`);
    if ('object' in field) {
      const file = `"$folder/${place}${extensionOf(field.object)}"`;
      before.push(awsCommand(`s3 cp ${shellWord(field.object)} ${file}`, form.endpoint, form.endpoint.s3Url));
      return `-F ${name}@${file}`;
    }
    const text = textOf(field.value);
    if (text.length * 3 < LONGEST_ARGUMENT) return `--form-string ${shellWord(`${field.name}=${text}`)}`;
    const file = `"$folder/${place}.txt"`;
    // What is built into the shell takes arguments of any length.
    before.push(`printf %s ${shellWord(text)} > ${file}`);
    return `-F ${name}'<'${file}`;
  });
  return { before, options };
}

/** Wiro tells the kind of a file by its name. */
const extensionOf = (object: string): string => /\.[a-z0-9]{1,8}$/i.exec(object)?.[0] ?? '';

function textOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
