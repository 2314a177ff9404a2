import type { HttpAnswer } from './calls.ts';
import type { StackFacts } from './find-facts.ts';
import { type Finding, type Judgement, ok, unchecked, wrong } from './finding.ts';

/** Which of credentials, region and stack keeps the deployment from being found, by the sentence that says so. */
export function judgeNotFound(message: string): readonly Finding[] {
  const at =
    /^There is no stack|the stack .* (?:is not deployed|has no output)|has several|no deployment|no environment/i.test(
      message,
    )
      ? 'stack'
      : /AWS region|no region/i.test(message)
        ? 'region'
        : /credentials|profile|AWS denied|session/i.test(message)
          ? 'credentials'
          : 'stack';
  const [what, remedy] = splitRemedy(message);
  const before = at === 'stack' ? ['credentials', 'region'] : at === 'region' ? ['credentials'] : [];
  return [
    ...before.map((check) => ({ check, ...unchecked('the deployment was not found') })),
    { check: at, ...wrong(what, remedy) },
  ];
}

/** Our sentences name the problem, a colon, and what to do. */
function splitRemedy(message: string): readonly [string, string] {
  const at = message.indexOf(': ');
  return at < 0
    ? [message, 'Correct it and repeat.']
    : [message.slice(0, at), capital(message.slice(at + 2))];
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** @param version - The release of this command. Another release in the stack is no fault: `api` tells whether it will do. */
export function judgeStack({ status, deployment }: StackFacts, version: string): Judgement {
  if (/_IN_PROGRESS$/.test(status))
    return wrong(`a deployment is under way (${status})`, 'Wait for its end and repeat.');
  if (/FAILED$|^ROLLBACK_COMPLETE$|^UPDATE_ROLLBACK_COMPLETE$/.test(status))
    return wrong(
      `the last deployment failed (${status}), so an earlier one runs, if any`,
      "Read the stack's events in CloudFormation, mend the cause and deploy again.",
    );
  if (deployment === undefined)
    return wrong(
      'the stack has no function that serves an API of this project',
      'Correct --stack: the functions may be in a nested stack, which you can name itself.',
    );
  const { release = 'unknown, of before it was recorded', changedAt } = deployment;
  const command = release === version ? '' : ` (this command: ${version})`;
  return ok(`${status}, release ${release}${command}; its API changed last ${changedAt.slice(0, 16)}`);
}

/** By the newest route that commands need. */
export function judgeApi({ status, text }: HttpAnswer, version: string): Judgement {
  if (status === 200) return ok(`answers, and has the routes that this release (${version}) needs`);
  if (status === 404 || status === 405)
    return wrong(
      `the API has no list of generations (${status}): its release is older than this command's (${version}), or the URL is of something else`,
      'Deploy the stack with this release.',
    );
  if (status === 401 || status === 403)
    return /InvalidSignature|Signature|expired/i.test(text)
      ? wrong(`AWS does not accept the signature (${status})`, "Sign in again, and set this machine's clock.")
      : wrong(
          `AWS does not let these credentials call the API (${status})`,
          'Allow lambda:InvokeFunctionUrl and lambda:InvokeFunction on it: the construct’s grantCallApi.',
        );
  if (status === 429)
    return wrong(
      'Lambda throttles the API (429)',
      'Raise the concurrency of the account: see docs/operations.md.',
    );
  return wrong(`the API answered ${status}`, "Read the API function's log in CloudWatch.");
}

/** A signature is refused beyond five minutes; tokens and links suffer earlier. */
const MOST_SKEW_S = 60;

export function judgeClock(date: string | null, now: Date): Judgement {
  const theirs = Date.parse(date ?? '');
  if (Number.isNaN(theirs)) return unchecked('the API named no time');
  const skew = Math.round((now.getTime() - theirs) / 1_000);
  if (Math.abs(skew) <= MOST_SKEW_S) return ok('this machine’s clock agrees with the API’s');
  return wrong(
    `this machine's clock is ${Math.abs(skew)} s ${skew > 0 ? 'ahead' : 'behind'}; AWS refuses signatures beyond 5 minutes`,
    'Set the clock by NTP.',
  );
}
