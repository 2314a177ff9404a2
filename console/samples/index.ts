import { cdkSample } from './cdk.ts';
import { curlSample } from './curl.ts';
import { eventSample } from './event.ts';
import type { Form, Sample } from './form.ts';
import { presetSample } from './preset.ts';
import { pythonSample } from './python.ts';
import { awsCliSample, requestFileSample } from './s3.ts';
import { typescriptSample } from './typescript.ts';
import { wiroSample } from './wiro-request.ts';

export type { Endpoint, Form, Sample, SampleId } from './form.ts';

/**
 * Writes a form as it stands as code, in each way that a generation can be requested. Pure, and without Node's API: it
 * runs in a page. A form without file parameters has no preset.
 *
 * Each text is whole: copied, it runs, whatever the form holds. It contains no key: credentials come from the reader's
 * environment. Show it as text (`textContent`), never as HTML.
 */
export const samplesOf = (form: Form): readonly Sample[] =>
  [
    curlSample(form),
    typescriptSample(form),
    pythonSample(form),
    awsCliSample(form),
    requestFileSample(form),
    presetSample(form),
    eventSample(form),
    cdkSample(form),
    wiroSample(form),
  ].filter((sample) => sample !== undefined);
