import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { afterAll } from 'vitest';
import { WiroStack } from '../../infra/stack.ts';
import { readStackSettings } from '../../infra/stack-settings.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const { context: FLAGS } = JSON.parse(readFileSync(path.join(ROOT, 'cdk.json'), 'utf8'));
const CODE = { directory: path.join(import.meta.dirname, 'fixtures/code'), handler: 'index.handler' };
/** Placeholder code for every function. */
export const ALL_CODE = { api: CODE, submit: CODE, callback: CODE, reconcile: CODE };

// CDK's own validation of templates takes seconds to load in each test file. These tests use it: commands.long.test.ts
// (`cdk synth`), cycles.test.ts and package.long.test.ts.
process.env.CDK_VALIDATION = 'false';

// One folder per test file.
const OUT = mkdtempSync(path.join(tmpdir(), 'wiro-synth-'));
afterAll(() => rmSync(OUT, { recursive: true }));
let apps = 0;

/** Creates an app with the flags from cdk.json and with `settings` as if given by `-c name=value`. */
export function createApp(settings: Readonly<Record<string, string>> = {}): App {
  apps += 1;
  return new App({
    context: { ...FLAGS, ...settings },
    outdir: path.join(OUT, String(apps)),
    // No test reads them, and they cost a tenth of each synthesis.
    treeMetadata: false,
    analyticsReporting: false,
  });
}

/** Returns the template that `cdk synth` would write. */
export function synthesize(settings: Readonly<Record<string, string>> = {}): Template {
  const app = createApp(settings);
  return Template.fromStack(
    new WiroStack(
      app,
      readStackSettings((name) => app.node.tryGetContext(name)),
      ALL_CODE,
    ),
  );
}

type Properties = Readonly<Record<string, unknown>>;
export interface Resource {
  readonly Type: string;
  readonly Properties: Properties;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
}

/** Lists the resources of one type with their logical ids. */
export function resourcesOf(template: Template, type: string): readonly (readonly [string, Resource])[] {
  return Object.entries(template.findResources(type)) as unknown as [string, Resource][];
}

/**
 * Writes an intrinsic function or a value as comparable text: `{Ref: X}` as `<X>`, `{Fn::GetAtt: [X, Arn]}` as
 * `<X.Arn>`.
 */
export function toText(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  const [[name, inner] = ['', undefined]] = Object.entries(value);
  if (name === 'Ref') return `<${inner}>`;
  if (name === 'Fn::GetAtt' && Array.isArray(inner)) return `<${inner.join('.')}>`;
  if (name === 'Fn::Join' && Array.isArray(inner) && Array.isArray(inner[1]))
    return inner[1].map(toText).join(String(inner[0]));
  if (name === 'Fn::Select' && Array.isArray(inner)) return `select(${inner[0]}, ${toText(inner[1])})`;
  if (name === 'Fn::Split' && Array.isArray(inner)) return `split("${inner[0]}", ${toText(inner[1])})`;
  return JSON.stringify(value);
}
