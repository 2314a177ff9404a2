import assert from 'node:assert/strict';
import { readAnswer } from '../api.ts';
import type { Flow } from '../flow.ts';
import { SkippedError } from '../skipped-error.ts';
import { STORY } from './story.ts';

export const forgedCallback: Flow = {
  name: 'a forged callback is refused',
  run: async ({ send, callbackUrl, outputs, plan }) => {
    const { id } = plan();
    const url = `${callbackUrl}${outputs.eventBus}/${id}/1/${'0'.repeat(64)}`;

    const { status, body } = await send({ method: 'POST', url, body: '{}' });

    assert.equal(status, 403, `It was answered ${status}: ${body.toString('utf8', 0, 200)}`);
    return '403';
  },
};

export const unsigned: Flow = {
  name: 'the API refuses unsigned requests',
  run: async ({ send, api, isAws }) => {
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ ...STORY, model: 'not-a-model' });

    const answer = readAnswer(await send({ method: 'POST', url: `${api.url}/generations`, headers, body }));

    if (!isAws && answer.status === 400) throw new SkippedError('this endpoint checks no signatures');
    assert.equal(answer.status, 403, `It was answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    return '403';
  },
};
