import { describe, expect, it } from 'vitest';
import { resourcesOf, synthesize } from '../synthesize.ts';

const handoversOf = (settings: Readonly<Record<string, string>>) =>
  resourcesOf(synthesize(settings), 'AWS::Lambda::Function').flatMap(([id, { Properties }]) => {
    const { Variables } = Properties.Environment as { Variables: Readonly<Record<string, unknown>> };
    return 'INPUT_HANDOVER' in Variables
      ? [[/Submit|Api|Callback|Reconcile/.exec(id)?.[0], Variables.INPUT_HANDOVER]]
      : [];
  });

describe('settings of the stack', () => {
  it('choose how inputs reach Wiro, by default automatically', () => {
    expect(handoversOf({})).toEqual([
      ['Submit', 'auto'],
      ['Api', 'auto'],
    ]);
    expect(handoversOf({ inputHandover: 'presigned' })).toEqual([
      ['Submit', 'presigned'],
      ['Api', 'presigned'],
    ]);
  });

  it('are refused with the accepted values', () => {
    expect(() => synthesize({ inputHandover: 'email' })).toThrow(
      'inputHandover is "email": use "auto" or "upload" or "presigned".',
    );
    expect(() => synthesize({ observability: 'some' })).toThrow(
      'observability is "some": use "none" or "standard" or "full".',
    );
    expect(() => synthesize({ alarmTopic: 'on-call' })).toThrow(
      'alarmTopic is "on-call": use the ARN of an SNS topic, arn:aws:sns:<region>:<account>:<name>.',
    );
  });
});
