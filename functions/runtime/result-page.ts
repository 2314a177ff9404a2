/** What a page shows a person of one dropped file and what became of it. */
export interface ResultPage {
  readonly status: 'succeeded' | 'failed' | 'cancelled' | 'rejected' | 'unfinished';
  /** The name of the dropped file. */
  readonly title: string;
  readonly message: string;
  /** What the model was told, if it was told something. */
  readonly prompt?: string;
  /** Names and values, in their order. */
  readonly facts: readonly (readonly [string, string])[];
  readonly files: readonly PageFile[];
  /** What is wrong with the request, if there is more than one fault. */
  readonly problems?: readonly string[];
}

export interface PageFile {
  readonly name: string;
  /** The path from the page's folder. */
  readonly path: string;
  readonly contentType: string;
  readonly sizeBytes: number;
}

const WORDS: Readonly<Record<ResultPage['status'], string>> = {
  succeeded: 'Done',
  failed: 'Failed',
  cancelled: 'Cancelled',
  rejected: 'Not used',
  unfinished: 'Not finished',
};

/** A record lists as many. */
const MOST_FILES = 1_000;

/**
 * Writes an HTML page without scripts. Every text is escaped, and the page's own policy allows nothing but its style and
 * the files beside it. All links are relative, so that it also works in a downloaded folder. Names no bucket, no
 * presigned link and no key outside the folder.
 */
export function writeResultPage({
  status,
  title,
  message,
  prompt,
  facts,
  files,
  problems = [],
}: ResultPage): string {
  const shown = files.slice(0, MOST_FILES);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>${escapeText(`${WORDS[status]}: ${title}`)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<header>
<p class="status ${status}">${WORDS[status]}</p>
<h1><bdi>${escapeText(title)}</bdi></h1>
<p class="message">${escapeText(message)}</p>
</header>
${list(
  'problems',
  problems.map((problem) => `<li>${escapeText(problem)}</li>`),
)}
${list('files', shown.map(writeFile))}
${prompt === undefined ? '' : `<section class="prompt"><h2>Prompt</h2><p dir="auto">${escapeText(prompt)}</p></section>`}
<dl>
${facts.map(([name, value]) => `<div><dt>${escapeText(name)}</dt><dd><bdi>${escapeText(value)}</bdi></dd></div>`).join('\n')}
</dl>
</main>
</body>
</html>
`;
}

const list = (name: string, items: readonly string[]) =>
  items.length === 0 ? '' : `<ul class="${name}">\n${items.join('\n')}\n</ul>`;

function writeFile({ name, path, contentType, sizeBytes }: PageFile): string {
  const href = escapeText(`./${path.toWellFormed().split('/').map(encodeURIComponent).join('/')}`);
  const label = escapeText(name);
  const link = `<a href="${href}" rel="noreferrer">`;
  const caption = `<p>${link}<bdi>${label}</bdi></a> <span>${escapeText(sizeOf(sizeBytes))}</span></p>`;
  const [kind] = contentType.split('/');
  switch (kind) {
    case 'image':
      return `<li>${link}<img src="${href}" alt="${label}" loading="lazy"></a>${caption}</li>`;
    case 'video':
      return `<li><video src="${href}" controls preload="metadata"></video>${caption}</li>`;
    case 'audio':
      return `<li><audio src="${href}" controls preload="metadata"></audio>${caption}</li>`;
    default:
      return `<li>${caption}</li>`;
  }
}

function sizeOf(bytes: number): string {
  if (bytes < 1_000) return `${bytes} bytes`;
  if (bytes < 1_000_000) return `${(bytes / 1_000).toFixed(0)} kB`;
  return bytes < 1_000_000_000 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Escapes a text for content and attributes, without control characters and those that reverse text. */
const escapeText = (text: string): string =>
  text
    .toWellFormed()
    .replace(/[[\p{Cc}\u202a-\u202e\u2066-\u2069]--[\t\n]]/gv, '')
    .replace(/[&<>"']/g, (sign) => ENTITIES[sign] ?? '');

const STYLE = `:root{--ink:#1c1e21;--soft:#5f6670;--line:#e3e6ea;--page:#f6f7f9;--card:#fff;--good:#136f3f;--bad:#b3261e;--rest:#6b5400}
@media (prefers-color-scheme:dark){:root{--ink:#e8eaed;--soft:#9aa3ad;--line:#2d333b;--page:#14171b;--card:#1c2026;--good:#6fd29a;--bad:#ff9d94;--rest:#e3c15c}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:60rem;margin:0 auto;padding:2.5rem 1.25rem 4rem}
h1{margin:.2rem 0 .4rem;font-size:1.6rem;line-height:1.25;overflow-wrap:anywhere}
h2{margin:0 0 .35rem;font-size:.8rem;font-weight:600;color:var(--soft)}
p{margin:0;overflow-wrap:anywhere}
.status{font-weight:600}
.succeeded{color:var(--good)}.failed,.rejected{color:var(--bad)}.cancelled,.unfinished{color:var(--rest)}
.message{max-width:42rem;color:var(--soft)}
ul{margin:1.75rem 0 0;padding:0;list-style:none}
.problems{padding-left:1.2rem;list-style:disc;overflow-wrap:anywhere}
.files{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,17rem),1fr));gap:1rem;align-items:start}
.files li{overflow:hidden;background:var(--card);border:1px solid var(--line);border-radius:10px}
.files li:only-child{grid-column:1/-1}
.files img,.files video{display:block;width:100%;max-height:34rem;object-fit:contain;background:var(--line)}
.files audio{display:block;width:100%;padding:.75rem .75rem 0}
.files p{padding:.6rem .85rem;font-size:.875rem}
.files span{color:var(--soft);white-space:nowrap}
a{color:inherit;text-underline-offset:.15em}
a:focus-visible{outline:2px solid var(--good);outline-offset:2px}
.prompt{margin-top:1.75rem;padding:1rem 1.15rem;background:var(--card);border:1px solid var(--line);border-radius:10px}
.prompt p{white-space:pre-wrap}
dl{margin:1.75rem 0 0;display:grid;gap:.35rem;font-size:.9rem}
dl div{display:grid;grid-template-columns:8rem 1fr;gap:1rem}
dt{color:var(--soft);overflow-wrap:anywhere}
dd{margin:0;overflow-wrap:anywhere}
@media (max-width:30rem){main{padding:1.5rem 1rem 3rem}dl div{grid-template-columns:1fr;gap:0}dl{gap:.7rem}}`;

/** Of `STYLE`. A test computes it again. */
const STYLE_SHA256 = '8tEr3axxrhAsSbuQXDxg1nlSJKjzIc71ASXRFwkJ5V0=';

/** Files beside the page also load if it was downloaded: a browser does not count `file:` as the page's own origin. */
const POLICY = `default-src 'none'; img-src 'self' file:; media-src 'self' file:; style-src 'sha256-${STYLE_SHA256}'; base-uri 'none'; form-action 'none'`;
