import { CfnResource } from 'aws-cdk-lib';
import { describe, expect, it } from 'vitest';
import { WiroStack } from '../../infra/stack.ts';
import { readStackSettings } from '../../infra/stack-settings.ts';
import { ALL_CODE, createApp } from './synthesize.ts';

// Turns on CDK's own validation, which refuses cycles.
delete process.env.CDK_VALIDATION;

describe('synthesizing with the flags of cdk.json', () => {
  it('accepts the stack with the checks that refuse cycles', () => {
    const app = createApp();
    new WiroStack(
      app,
      readStackSettings(() => undefined),
      ALL_CODE,
    );

    expect(() => app.synth()).not.toThrow();
  }, 60_000);

  it('refuses a cycle', () => {
    const app = createApp();
    const stack = new WiroStack(
      app,
      readStackSettings(() => undefined),
      ALL_CODE,
    );
    // `fn.grantInvoke(fn)` would do the same: the function depends on a policy that refers to it.
    const fn = stack.node.findChild('Wiro').node.findChild('Submit').node.findChild('Function')
      .node.defaultChild;
    const role = stack.node.findChild('Wiro').node.findChild('Submit').node.findChild('Invokes')
      .node.defaultChild;
    if (!(fn instanceof CfnResource && role instanceof CfnResource)) throw new Error('Not found');
    fn.addResourceDependency(role);

    expect(() => app.synth()).toThrow(/Circular Dependencies for resource/);
  }, 60_000);
});
