import type { Form } from '../../console/samples/index.ts';

/** Texts that break out of careless quotes, in one language or another. */
export const HOSTILE: readonly string[] = [
  '',
  ' ',
  "it's",
  `"both" and 'both'`,
  `$HOME \${HOME} $(id) \`id\``,
  '\\ \\\\ \\" \\\' \\n \\u0041 \\x41 \\',
  'line one\nline two\r\nline three\n',
  '\nJSON\nEOF\n\'\'\'\n"""\n',
  '</script><script>alert(1)</script><!--',
  'separators \u2028 \u2029 \u0085',
  'controls \u0001 \u0007 \b \t \v \f \u001b[31m \u007f',
  'turned \u202e round \u2066 \u200f, \u200bhidden\ufeff',
  'emoji 👩‍🚀 🏳️‍🌈 é ü 漢字',
  '!! !$ history!',
  '%s %d %% %(x)s {0} {x} #{x} #',
  '~ * ? [a] {a,b} ; & | < > ( )',
  '-n --option =word @file <file',
  'key=value;type=text/html',
  '*/ // /* <!-- -->',
];

export const LOCAL = {
  kind: 'local',
  url: 'http://127.0.0.1:3000',
  bucket: 'wiro-local-inputs',
  bus: 'wiro-local',
  s3Url: 'http://127.0.0.1:4000',
  eventsUrl: 'http://127.0.0.1:5000',
} as const satisfies Form['endpoint'];

export const STACK = {
  kind: 'stack',
  url: 'https://abc123.lambda-url.eu-central-1.on.aws/',
  bucket: 'shop-inputs',
  bus: 'shop',
} as const satisfies Form['endpoint'];

/** A form with all these texts, in every kind of place. */
export const formWith = (texts: readonly string[], more: Partial<Form> = {}): Form => ({
  model: 'wiro/group-portrait',
  parameters: {
    ...Object.fromEntries(texts.map((text, place) => [`text${place}`, text])),
    samples: 2,
    ipScale: 0.05,
    seed: null,
    upscale: true,
    messages: [{ role: 'user', content: texts, tags: [] }, { empty: {} }],
  },
  inputs: {
    inputImages: texts.flatMap((text) => [`photos/${text}.png`, `s3://other-bucket/${text}.png`]),
    inputImage: ['https://a.example/b,c.png'],
  },
  labels: { order: '17', ...Object.fromEntries(texts.map((text) => [text, text])) },
  endpoint: LOCAL,
  ...more,
});
