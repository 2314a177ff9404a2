import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { expect, it } from 'vitest';
import { Gallery } from '../../../examples/consumer/gallery.ts';
import { WiroCredentials, WiroGenerations } from '../../../infra/index.ts';
import { ALL_CODE, createApp, resourcesOf, toText } from '../synthesize.ts';

const EVENTS = path.resolve(import.meta.dirname, '../../../docs/events/examples');

function galleryTemplate(): Template {
  const stack = new Stack(createApp(), 'WiroServerless');
  const wiro = new WiroGenerations(stack, 'Wiro', {
    credentials: WiroCredentials.fromParameters(),
    code: ALL_CODE,
  });
  const code = lambda.Code.fromAsset(ALL_CODE.api.directory);
  new Gallery(stack, 'Gallery', { wiro, code });
  return Template.fromStack(stack);
}

it('receives only the events of generations that succeed', () => {
  const template = galleryTemplate();
  const [gallery, ...others] = resourcesOf(template, 'AWS::Events::Rule').filter(([id]) =>
    /Gallery/.test(id),
  );
  const pattern = gallery?.[1].Properties.EventPattern as Record<string, unknown>;

  const received = ['running', 'succeeded', 'failed', 'cancelled', 'rejected', 'requested'].filter((kind) =>
    matches(pattern, JSON.parse(readFileSync(path.join(EVENTS, `generation-${kind}.json`), 'utf8'))),
  );

  expect(others).toEqual([]);
  expect(received).toEqual(['succeeded']);
});

it('may read outputs and put entries, but not write outputs', () => {
  const template = galleryTemplate();
  const [, policy] =
    resourcesOf(template, 'AWS::IAM::Policy').find(([id]) => id.startsWith('GalleryAdd')) ?? [];
  const { Statement = [] } = (policy?.Properties.PolicyDocument ?? {}) as {
    Statement?: { Action: unknown }[];
  };

  const actions = Statement.flatMap(({ Action }) => Action).map(toText);
  expect(actions.toSorted()).toEqual([
    'dynamodb:PutItem',
    's3:GetObject',
    's3:ListBucket',
    'sqs:SendMessage',
  ]);
});

/** The part of EventBridge's matching that the rule uses: each list contains the accepted values. */
function matches(pattern: unknown, value: unknown): boolean {
  if (Array.isArray(pattern)) return pattern.includes(value);
  return Object.entries(pattern as Record<string, unknown>).every(
    ([name, inner]) =>
      typeof value === 'object' && value !== null && matches(inner, Reflect.get(value, name)),
  );
}
