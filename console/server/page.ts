import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';

/** The page, ready to be sent. */
export interface Page {
  readonly html: Buffer;
  readonly gzipped: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

/** Prepares the page. Its policy allows the scripts and styles that are in it by their hashes, and nothing else. */
export function preparePage(html: string): Page {
  const policy = [
    "default-src 'none'",
    `script-src ${hashesOf(html, 'script')}`,
    `style-src ${hashesOf(html, 'style')}`,
    // `blob:` is a file that the developer has chosen, before it is uploaded.
    "img-src 'self' blob:",
    "media-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ];
  const bytes = Buffer.from(html);
  return {
    html: bytes,
    gzipped: gzipSync(bytes, { level: 9 }),
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy.join('; '),
      'cache-control': 'no-store',
    },
  };
}

function hashesOf(html: string, tag: 'script' | 'style'): string {
  const texts = [...html.matchAll(new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`, 'g'))].map(
    ([, text = '']) => text,
  );
  return (
    texts.map((text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`).join(' ') ||
    "'none'"
  );
}
